// SPDX-License-Identifier: GPL-2.0
#include "nsstoken.h"

#include "support.h"
#include "token_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DATABASE_SLOT = 2 };

static char module[PATH_MAX];

/* NULL where it finds no NSS. */
static CK_FUNCTION_LIST *load(void)
{
	CK_FUNCTION_LIST *list = NULL;
	CK_C_GetFunctionList get;
	void *found;

	if (!support_beside("mock_nss.so", module) ||
	    !dlopen("libsoftokn3.so", RTLD_NOW | RTLD_NODELETE))
		return NULL;
	found = dlopen(module, RTLD_NOW | RTLD_NODELETE);
	get = found ? (CK_C_GetFunctionList)dlsym(found, "C_GetFunctionList") :
		      NULL;
	return get && get(&list) == CKR_OK ? list : NULL;
}

/* A new database has no user PIN, and an empty one for the security officer. */
static int set_pin(CK_FUNCTION_LIST *nss)
{
	CK_SESSION_HANDLE session;
	CK_RV rv = nss->C_Initialize(NULL);

	if (rv == CKR_OK)
		rv = nss->C_OpenSession(DATABASE_SLOT,
					CKF_SERIAL_SESSION | CKF_RW_SESSION,
					NULL, NULL, &session);
	if (rv == CKR_OK)
		rv = nss->C_Login(session, CKU_SO, NULL, 0);
	if (rv == CKR_OK)
		rv = nss->C_InitPIN(session, (CK_BYTE *)TEST_PIN,
				    strlen(TEST_PIN));
	if (rv != CKR_OK)
		print_error("NSS makes no token: %s\n", token_ckr_name(rv));
	return nss->C_Finalize(NULL) == CKR_OK && rv == CKR_OK ? 0 : -1;
}

/* The module takes its parameters from there. */
static int set_parameters(void)
{
	char here[PATH_MAX], parameters[PATH_MAX + 128];

	if (mkdir("db", 0700) || !getcwd(here, sizeof(here)))
		return -1;
	snprintf(parameters, sizeof(parameters),
		 "configdir='sql:%s/db' certPrefix='' keyPrefix='' secmod='secmod.db' flags=",
		 here);
	return setenv("NSS_PARAMETERS", parameters, 1);
}

int nsstoken_make(struct token **token)
{
	CLEANUP(secret) struct secret *pin = support_pin(TEST_PIN);
	CK_FUNCTION_LIST *nss = load();

	*token = NULL;
	if (!nss)
		return 0;
	if (set_parameters() || set_pin(nss))
		return -1;
	return token_open(token, support_uri("NSS Certificate DB", module), pin);
}
