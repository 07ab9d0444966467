// SPDX-License-Identifier: GPL-2.0
/*
 * A token behind p11-kit's remoting, which carries neither AES key wrap nor a
 * template within a template: resident keys are what it's good for.
 */
#include "support.h"

#include "engine.h"
#include "token_internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT	P11_MODULES "/p11-kit-client.so"

static pid_t server;
static const char *lacks;	/* why there is none */

/* In the test's directory, and gone with the test. */
static void serve(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It has a process for each connection: they go together. */
	setpgid(0, 0);
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	/* It would look for leaks in a program that isn't ours. */
	unsetenv("LD_PRELOAD");
	execlp("p11-kit", "p11-kit", "server", "-f", "-n", "socket", "--provider",
	       support_softhsm(), "pkcs11:", NULL);
	_exit(1);
}

static bool wait_for_socket(void)
{
	for (int i = 0; i < 600 && access("socket", F_OK); i++)
		usleep(50000);
	return !access("socket", F_OK);
}

static int start_server(void)
{
	char address[4096], directory[4000];

	if (!getcwd(directory, sizeof(directory)))
		return -1;
	setenv("XDG_RUNTIME_DIR", directory, 1);
	snprintf(address, sizeof(address), "unix:path=%s/socket", directory);
	setenv("P11_KIT_SERVER_ADDRESS", address, 1);
	server = fork();
	if (!server)
		serve();
	return server > 0 && wait_for_socket() ? 0 : -1;
}

/* As paes and paesd do: to write to a server that is gone is an error, no end. */
static int start(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		lacks = "SoftHSM (package softhsm2)";
	else if (access(CLIENT, R_OK))
		lacks = CLIENT " (package p11-kit-modules)";
	else if (system("command -v p11-kit >/dev/null"))
		lacks = "p11-kit (the package)";
	return lacks ? 0 : start_server();
}

static void stop_server(void)
{
	if (server <= 0)
		return;
	kill(-server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

static int stop(void **state)
{
	stop_server();
	return support_leave(state);
}

static void need_server(void)
{
	if (!lacks)
		return;
	print_message("# SKIP: %s is not installed\n", lacks);
	skip();
}

static struct token *open_remote(void)
{
	CLEANUP(secret) struct secret *pin = support_pin(TEST_PIN);
	struct token *token = NULL;

	assert_int_equal(token_open(&token, support_uri(TEST_LABEL, CLIENT), pin), 0);
	return token;
}

static void test_kek(void **state)
{
	const unsigned char id[PAES_ID_SIZE] = { 1 };
	CLEANUP(token) struct token *token = NULL;
	bool enforced = false;

	(void)state;
	need_server();
	token = open_remote();
	assert_false(token_wraps(token));
	assert_int_equal(token_create_kek(token, id, &enforced), 0);
	assert_true(enforced);
	assert_int_equal(token_has_kek(token, id), 1);
}

static void test_nothing_is_wrapped(void **state)
{
	const unsigned char id[PAES_ID_SIZE] = { 1 };
	CLEANUP(token) struct token *token = NULL;
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	need_server();
	token = open_remote();
	assert_int_equal(xtskey_generate(&key, token, 256), 0);
	support_capture();
	assert_int_equal(xtskey_seal(&key, token, id, 256, 0, &blob), -EOPNOTSUPP);
	support_assert_holds(support_captured(), "CKR_MECHANISM_INVALID");
	xtskey_close(&key, token);
}

enum { UNIT = 4096, SIZE = 64 * UNIT };

static uint8_t data[SIZE], before[SIZE];

static void check_xts(const uint8_t *clear)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t right[UNIT];
	int n;

	for (uint8_t i = 0; i < SIZE / UNIT; i++) {
		uint8_t iv[16] = { i };

		assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_xts(),
						    NULL, clear, iv), 1);
		assert_int_equal(EVP_EncryptUpdate(context, right, &n,
						   before + i * UNIT, UNIT), 1);
		assert_memory_equal(data + i * UNIT, right, UNIT);
	}
	EVP_CIPHER_CTX_free(context);
}

static int run(struct engine *engine, const struct xtskey *key, bool encrypt)
{
	struct engine_request request = {
		.key = key, .encrypt = encrypt, .length = SIZE,
		.unit_size = UNIT, .data = data,
	};

	engine_run(engine, &request, 1, NULL, NULL);
	return request.status;
}

/* Often enough for operations kept open, and for both ways of decryption. */
static void use(struct token *token, const struct xtskey *key,
		const uint8_t *clear)
{
	struct engine *engine = engine_new(token);

	assert_non_null(engine);
	for (int i = 0; i < 10; i++) {
		support_random(before, SIZE);
		memcpy(data, before, SIZE);
		assert_int_equal(run(engine, key, true), 0);
		check_xts(clear);
		assert_int_equal(run(engine, key, false), 0);
		assert_memory_equal(data, before, SIZE);
	}
	engine_free(engine);
}

static void test_resident_key(void **state)
{
	const unsigned char id[PAES_ID_SIZE] = { 1 };
	CLEANUP(token) struct token *token = NULL;
	unsigned char clear[64], iv[16] = { 0 };
	CK_MECHANISM other = { CKM_AES_CBC, iv, sizeof(iv) };
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	need_server();
	token = open_remote();
	support_random(clear, sizeof(clear));
	assert_int_equal(xtskey_import_resident(&key, token, clear, 256), 0);
	assert_int_equal(xtskey_seal(&key, token, id, 256, PAES_BLOB_F_IMPORTED,
				     &blob), 0);
	xtskey_close(&key, token);
	assert_int_equal(xtskey_open(&key, token, &blob), 0);
	use(token, &key, clear);
	/* The restriction to ECB came through. */
	assert_int_not_equal(token->module->C_EncryptInit(token->session, &other,
							  key.k1), CKR_OK);
	assert_int_equal(xtskey_destroy(&key, token), 0);
	support_capture();
	assert_int_equal(xtskey_open(&key, token, &blob), -ENOKEY);
	support_captured();
}

static void test_server_dies(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	struct engine *engine;
	struct xtskey key;

	(void)state;
	need_server();
	token = open_remote();
	engine = engine_new(token);
	assert_int_equal(xtskey_generate_resident(&key, token, 256), 0);
	assert_int_equal(run(engine, &key, true), 0);
	stop_server();
	memcpy(before, data, SIZE);
	support_capture();
	for (int i = 0; i < 3; i++)
		assert_int_equal(run(engine, &key, i % 2), -EIO);
	support_assert_holds(support_captured(), "CKR_DEVICE_");
	assert_memory_equal(data, before, SIZE);
	engine_free(engine);
	xtskey_close(&key, token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kek),
		cmocka_unit_test(test_nothing_is_wrapped),
		cmocka_unit_test(test_resident_key),
		cmocka_unit_test(test_server_dies),
	};

	return cmocka_run_group_tests_name("remote token", tests, start, stop);
}
