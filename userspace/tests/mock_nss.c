// SPDX-License-Identifier: GPL-2.0
/*
 * NSS's softokn, as a module that needs no arguments: it is given those that it
 * wants, from NSS_PARAMETERS, in the way of p11-kit's x-init-reserved.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdlib.h>

#define EXPORT __attribute__((__visibility__("default")))

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

/* NSS has a member more, before the reserved one. */
struct nss_arguments {
	CK_C_INITIALIZE_ARGS standard;	/* whose last member has the parameters */
	void *reserved;
};

static CK_RV nss_Initialize(void *none)
{
	struct nss_arguments arguments = {
		.standard.flags = CKF_OS_LOCKING_OK,
		.standard.pReserved = getenv("NSS_PARAMETERS"),
	};

	(void)none;
	return real->C_Initialize(&arguments);
}

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **functions)
{
	CK_C_GetFunctionList get;
	void *module;

	module = dlopen("libsoftokn3.so", RTLD_NOW | RTLD_NODELETE);
	get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") :
		       NULL;
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *real;
	list.C_Initialize = nss_Initialize;
	*functions = &list;
	return CKR_OK;
}
