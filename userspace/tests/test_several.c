// SPDX-License-Identifier: GPL-2.0
/* Keys in more than one token: how they get there, and what doesn't. */
#include "support.h"

#include "token_internal.h"
#include "xtskey.h"

#include <errno.h>
#include <string.h>

enum { TOKENS = 3 };

static struct token *tokens[TOKENS];
static const char *const labels[] = { TEST_LABEL, "second", "third" };

static int start(void **state)
{
	CLEANUP(secret) struct secret *pin = NULL;

	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	pin = support_pin(TEST_PIN);
	for (int i = 1; i < TOKENS; i++)
		support_add_token(labels[i]);
	for (int i = 0; i < TOKENS; i++)
		if (token_open(&tokens[i], support_uri(labels[i], support_softhsm()),
			       pin))
			return -1;
	return 0;
}

static int stop(void **state)
{
	for (int i = TOKENS; i--;)
		token_close(tokens[i]);
	return support_leave(state);
}

static CK_ULONG count_objects(struct token *token)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE found[256];
	CK_ULONG count;

	assert_int_equal(token_find_objects(token, &template, found, 256, &count),
			 CKR_OK);
	return count;
}

static CK_ULONG before[TOKENS];

static void count_all(void)
{
	for (int i = 0; i < TOKENS; i++)
		before[i] = count_objects(tokens[i]);
}

static void assert_more(CK_ULONG more)
{
	for (int i = 0; i < TOKENS; i++)
		assert_int_equal(count_objects(tokens[i]), before[i] + more);
}

static void replicate(unsigned char id[PAES_ID_SIZE])
{
	bool enforced[TOKENS] = { false };

	assert_int_equal(token_random(tokens[0], id, PAES_ID_SIZE), 0);
	assert_int_equal(token_create_kek_in(tokens, TOKENS, id, enforced), 0);
	for (int i = 0; i < TOKENS; i++)
		assert_true(enforced[i]);
}

static void test_replicas(void **state)
{
	unsigned char id[PAES_ID_SIZE];
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	count_all();
	replicate(id);
	/* The pair, and nothing that it took. */
	assert_more(2);
	assert_int_equal(xtskey_generate(&key, tokens[1], 256), 0);
	assert_int_equal(xtskey_seal(&key, tokens[1], id, 256, 0, &blob), 0);
	xtskey_close(&key, tokens[1]);
	for (int i = 0; i < TOKENS; i++) {
		assert_int_equal(xtskey_open(&key, tokens[i], &blob), 0);
		xtskey_close(&key, tokens[i]);
	}
}

static CK_BBOOL attribute(struct token *token, CK_OBJECT_HANDLE key,
			  CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = 9;
	CK_ATTRIBUTE read = { type, &value, sizeof(value) };

	assert_int_equal(token->module->C_GetAttributeValue(token->session, key,
							    &read, 1), CKR_OK);
	return value;
}

static void assert_closed(struct token *token, const char *label,
			  CK_KEY_TYPE type, const unsigned char *id)
{
	CK_OBJECT_HANDLE key;

	assert_int_equal(token_find(token, label, type, id, &key), 0);
	assert_int_equal(attribute(token, key, CKA_SENSITIVE), CK_TRUE);
	assert_int_equal(attribute(token, key, CKA_EXTRACTABLE), CK_FALSE);
	assert_int_equal(attribute(token, key, CKA_PRIVATE), CK_TRUE);
	assert_int_equal(attribute(token, key, CKA_MODIFIABLE), CK_FALSE);
}

/* The token that made them, too, has nothing that could be taken out. */
static void test_stay_inside(void **state)
{
	unsigned char id[PAES_ID_SIZE];

	(void)state;
	support_need_softhsm();
	replicate(id);
	for (int i = 0; i < TOKENS; i++) {
		assert_closed(tokens[i], TOKEN_KEK_LABEL, CKK_AES, id);
		assert_closed(tokens[i], TOKEN_AUTH_LABEL, CKK_GENERIC_SECRET, id);
	}
}

/* tokens[1] with some calls of its module replaced, until tell_truth(). */
static CK_FUNCTION_LIST *truth, lies;

static CK_FUNCTION_LIST *lie(void)
{
	truth = tokens[1]->module;
	lies = *truth;
	tokens[1]->module = &lies;
	return &lies;
}

static void tell_truth(void)
{
	tokens[1]->module = truth;
}

/* Whatever fails, no token keeps anything. */
static void refuse_replicas(struct token *const in[], int error, const char *words)
{
	bool enforced[TOKENS];
	unsigned char id[PAES_ID_SIZE];

	count_all();
	assert_int_equal(token_random(tokens[0], id, sizeof(id)), 0);
	support_capture();
	assert_int_equal(token_create_kek_in(in, TOKENS, id, enforced), error);
	support_assert_holds(support_captured(), words);
	assert_more(0);
}

static void test_named_twice(void **state)
{
	struct token *twice[] = { tokens[0], tokens[1], tokens[0] };

	(void)state;
	support_need_softhsm();
	refuse_replicas(twice, -EEXIST, "is named twice");
}

static CK_RV no_oaep(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
		     CK_MECHANISM_INFO *info)
{
	return type == CKM_RSA_PKCS_OAEP ? CKR_MECHANISM_INVALID :
	       truth->C_GetMechanismInfo(slot, type, info);
}

static CK_RV no_pairs(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
		      CK_MECHANISM_INFO *info)
{
	return type == CKM_RSA_PKCS_KEY_PAIR_GEN ? CKR_MECHANISM_INVALID :
	       truth->C_GetMechanismInfo(slot, type, info);
}

static void test_lacks_mechanism(void **state)
{
	(void)state;
	support_need_softhsm();
	lie()->C_GetMechanismInfo = no_oaep;
	refuse_replicas(tokens, -EOPNOTSUPP, "\"second\": it lacks CKM_RSA_PKCS_OAEP");
	lies.C_GetMechanismInfo = no_pairs;
	refuse_replicas(tokens, -EOPNOTSUPP, "it lacks CKM_RSA_PKCS_KEY_PAIR_GEN");
	tell_truth();
}

static unsigned int unwrapped;

/* The KEK, as the second, doesn't come. */
static CK_RV half_Unwrap(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			 CK_OBJECT_HANDLE by, CK_BYTE *wrapped, CK_ULONG size,
			 CK_ATTRIBUTE *template, CK_ULONG count,
			 CK_OBJECT_HANDLE *key)
{
	CK_RV rv = truth->C_UnwrapKey(session, mechanism, by, wrapped, size,
				      template, count, key);

	if (rv != CKR_OK || unwrapped++ < 1)
		return rv;
	truth->C_DestroyObject(session, *key);
	return CKR_DEVICE_MEMORY;
}

static void test_half_way(void **state)
{
	(void)state;
	support_need_softhsm();
	unwrapped = 0;
	lie()->C_UnwrapKey = half_Unwrap;
	refuse_replicas(tokens, -EIO, "C_UnwrapKey (CKM_RSA_PKCS_OAEP): CKR_DEVICE_MEMORY");
	tell_truth();
}

/* A key of its own instead of each one that it's sent. */
static CK_RV other_Unwrap(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			  CK_OBJECT_HANDLE by, CK_BYTE *wrapped, CK_ULONG size,
			  CK_ATTRIBUTE *template, CK_ULONG count,
			  CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM make = { .mechanism = CKM_AES_KEY_GEN };
	struct token_template own = { .count = 0 };
	CK_ULONG length = 32;
	bool kek = false;

	for (CK_ULONG i = 0; i < count; i++) {
		token_template_add(&own, template[i].type, template[i].pValue,
				   template[i].ulValueLen);
		kek |= template[i].type == CKA_UNWRAP_TEMPLATE;
	}
	if (!kek)
		return truth->C_UnwrapKey(session, mechanism, by, wrapped, size,
					  template, count, key);
	token_template_add(&own, CKA_VALUE_LEN, &length, sizeof(length));
	return truth->C_GenerateKey(session, &make, own.attributes, own.count, key);
}

static void test_not_the_same(void **state)
{
	(void)state;
	support_need_softhsm();
	lie()->C_UnwrapKey = other_Unwrap;
	refuse_replicas(tokens, -EIO, "isn't the one that was sent");
	tell_truth();
}

/* What stays in the token does stay there. */
static CK_RV keep_Destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	CK_BBOOL stays = CK_FALSE;
	CK_ATTRIBUTE read = { CKA_TOKEN, &stays, sizeof(stays) };

	truth->C_GetAttributeValue(session, object, &read, 1);
	return stays ? CKR_FUNCTION_FAILED :
		       truth->C_DestroyObject(session, object);
}

static CK_RV no_writing(CK_SLOT_ID slot, CK_FLAGS flags, void *context,
			CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	/* The second is to undo what the first made. */
	if (flags & CKF_RW_SESSION && unwrapped)
		return CKR_SESSION_COUNT;
	return truth->C_OpenSession(slot, flags, context, notify, session);
}

/* The authenticator of tokens[1], and nothing else. */
static void leave_behind(const char *words)
{
	unsigned char id[PAES_ID_SIZE];
	bool enforced[TOKENS];
	const char *said;

	count_all();
	assert_int_equal(token_random(tokens[0], id, sizeof(id)), 0);
	unwrapped = 0;
	support_capture();
	assert_int_equal(token_create_kek_in(tokens, TOKENS, id, enforced), -EIO);
	said = support_captured();
	support_assert_holds(said, "\"second\": \"paes-auth\" of the KEK that is given up, CKA_ID ");
	support_assert_holds(said, words);
	assert_int_equal(count_objects(tokens[0]), before[0]);
	assert_int_equal(count_objects(tokens[1]), before[1] + 1);
	assert_int_equal(count_objects(tokens[2]), before[2]);
}

/* What can't be undone is at least said, for somebody to do it. */
static void test_left_behind(void **state)
{
	(void)state;
	support_need_softhsm();
	lie()->C_UnwrapKey = half_Unwrap;
	lies.C_DestroyObject = keep_Destroy;
	leave_behind("can't be removed (CKR_FUNCTION_FAILED): remove it by hand");
	lies.C_DestroyObject = truth->C_DestroyObject;
	lies.C_OpenSession = no_writing;
	leave_behind("can't be removed (see above): remove it by hand");
	tell_truth();
}

/* A KEK of its own in one token; where it isn't restricted, keys may move on. */
static void make_kek(struct token *token, unsigned char id[PAES_ID_SIZE])
{
	bool enforced = false;

	assert_int_equal(token_random(token, id, PAES_ID_SIZE), 0);
	assert_int_equal(token_create_kek(token, id, &enforced), 0);
	assert_true(enforced);
}

static void make_object(struct token *token, CK_MECHANISM_TYPE type,
			struct token_template *template)
{
	CK_MECHANISM mechanism = { .mechanism = type };
	const CK_ULONG size = 32;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE made;

	token_template_add(template, CKA_VALUE_LEN, &size, sizeof(size));
	assert_int_equal(token_open_writable(token, &session), 0);
	assert_int_equal(token->module->C_GenerateKey(session, &mechanism,
						      template->attributes,
						      template->count, &made), CKR_OK);
	token->module->C_CloseSession(session);
}

static void make_loose_kek(struct token *token, unsigned char id[PAES_ID_SIZE])
{
	struct token_template kek = { .count = 0 }, auth = { .count = 0 };
	struct token_template unwrap = { .count = 0 };

	assert_int_equal(token_random(token, id, PAES_ID_SIZE), 0);
	token_describe_kek(&kek, &unwrap, id, false);
	make_object(token, CKM_AES_KEY_GEN, &kek);
	token_describe_auth(&auth, NULL, id, false);
	make_object(token, CKM_GENERIC_SECRET_KEY_GEN, &auth);
}

static void assert_opens(struct token *token, const struct paes_blob *blob)
{
	struct xtskey key;

	assert_int_equal(xtskey_open(&key, token, blob), 0);
	xtskey_close(&key, token);
}

static void assert_refuses(struct token *token, const struct paes_blob *blob,
			   int error, const char *words)
{
	struct xtskey key;

	support_capture();
	assert_int_equal(xtskey_open(&key, token, blob), error);
	support_assert_holds(support_captured(), words);
}

/* From tokens[0], where `key` is, to another one. */
static void add_to(const struct xtskey *key, struct token *to,
		   const unsigned char kek[PAES_ID_SIZE], struct paes_blob *blob)
{
	struct xtskey moved;

	assert_int_equal(xtskey_move(key, tokens[0], to, &moved), 0);
	assert_int_equal(xtskey_add_recipient(&moved, to, kek, blob), 0);
	xtskey_close(&moved, to);
}

static void test_recipients(void **state)
{
	unsigned char keks[TOKENS][PAES_ID_SIZE];
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	for (int i = 0; i < TOKENS; i++)
		make_kek(tokens[i], keks[i]);
	count_all();
	assert_int_equal(xtskey_generate(&key, tokens[0], 256), 0);
	assert_int_equal(xtskey_seal(&key, tokens[0], keks[0], 256, 0, &blob), 0);
	for (int i = 1; i < TOKENS; i++)
		add_to(&key, tokens[i], keks[i], &blob);
	xtskey_close(&key, tokens[0]);
	assert_more(0);
	for (int i = 0; i < TOKENS; i++)
		assert_opens(tokens[i], &blob);

	assert_int_equal(xtskey_remove_recipient(&blob, keks[0]), 0);
	assert_int_equal(paes_blob_recipients(&blob), TOKENS - 1);
	assert_refuses(tokens[0], &blob, -ENOKEY, "has none of the 2 KEKs");
	assert_opens(tokens[1], &blob);
	assert_opens(tokens[2], &blob);
}

/* Each has its own MAC: one that was changed takes nobody else with it. */
static void test_recipient_changed(void **state)
{
	unsigned char keks[2][PAES_ID_SIZE];
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make_kek(tokens[0], keks[0]);
	make_kek(tokens[1], keks[1]);
	assert_int_equal(xtskey_generate(&key, tokens[0], 128), 0);
	assert_int_equal(xtskey_seal(&key, tokens[0], keks[0], 128, 0, &blob), 0);
	add_to(&key, tokens[1], keks[1], &blob);
	xtskey_close(&key, tokens[0]);
	blob.recipient[1].k1[0] ^= 1;
	assert_opens(tokens[0], &blob);
	assert_refuses(tokens[1], &blob, -EKEYREJECTED, "the MAC is wrong");
	blob.recipient[1].k1[0] ^= 1;
	blob.key_id[0] ^= 1;
	assert_refuses(tokens[0], &blob, -EKEYREJECTED, "the MAC is wrong");
	assert_refuses(tokens[1], &blob, -EKEYREJECTED, "the MAC is wrong");
}

static void refuse_to_add(const struct xtskey *key, const unsigned char *kek,
			  const struct paes_blob *blob, int error,
			  const char *words)
{
	struct paes_blob copy = *blob;

	support_capture();
	assert_int_equal(xtskey_add_recipient(key, tokens[0], kek, &copy), error);
	support_assert_holds(support_captured(), words);
	assert_memory_equal(&copy, blob, sizeof(copy));
}

static void test_recipient_refused(void **state)
{
	unsigned char keks[4][PAES_ID_SIZE];
	struct paes_blob blob;
	struct xtskey key, other;

	(void)state;
	support_need_softhsm();
	for (int i = 0; i < 4; i++)
		make_kek(tokens[0], keks[i]);
	assert_int_equal(xtskey_generate(&key, tokens[0], 256), 0);
	assert_int_equal(xtskey_generate(&other, tokens[0], 256), 0);
	assert_int_equal(xtskey_seal(&key, tokens[0], keks[0], 256, 0, &blob), 0);
	refuse_to_add(&key, keks[0], &blob, -EEXIST, "for this KEK already");
	refuse_to_add(&other, keks[1], &blob, -EKEYREJECTED, "not the key that the blob names");
	for (int i = 1; i < 3; i++)
		assert_int_equal(xtskey_add_recipient(&key, tokens[0], keks[i], &blob), 0);
	refuse_to_add(&key, keks[3], &blob, -ENOSPC, "3 recipients");
	/* Of several KEKs that the token has, the first is taken. */
	assert_opens(tokens[0], &blob);
	xtskey_close(&other, tokens[0]);
	xtskey_close(&key, tokens[0]);
}

static void refuse_to_remove(const unsigned char *kek, const struct paes_blob *blob,
			     int error, const char *words)
{
	struct paes_blob copy = *blob;

	support_capture();
	assert_int_equal(xtskey_remove_recipient(&copy, kek), error);
	support_assert_holds(support_captured(), words);
	assert_memory_equal(&copy, blob, sizeof(copy));
}

static void test_last_recipient(void **state)
{
	unsigned char kek[PAES_ID_SIZE], other[PAES_ID_SIZE] = "other";
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make_kek(tokens[0], kek);
	assert_int_equal(xtskey_generate(&key, tokens[0], 256), 0);
	assert_int_equal(xtskey_seal(&key, tokens[0], kek, 256, 0, &blob), 0);
	xtskey_close(&key, tokens[0]);
	refuse_to_remove(kek, &blob, -EBUSY, "the only recipient");
	refuse_to_remove(other, &blob, -ENOENT, "no recipient with this KEK");
}

/* What "paes init" makes lets nothing go; a KEK without restrictions does. */
static void test_movable(void **state)
{
	unsigned char kek[PAES_ID_SIZE], loose[PAES_ID_SIZE], to[PAES_ID_SIZE];
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make_kek(tokens[0], kek);
	make_loose_kek(tokens[0], loose);
	make_kek(tokens[1], to);
	assert_int_equal(xtskey_generate(&key, tokens[0], 256), 0);
	assert_int_equal(xtskey_seal(&key, tokens[0], kek, 256, 0, &blob), 0);
	support_capture();
	assert_int_equal(xtskey_open_movable(&(struct xtskey){ .k1 = 0 }, tokens[0],
					     &blob), -EPERM);
	support_assert_holds(support_captured(), "lets no key go to another token");
	assert_int_equal(xtskey_seal(&key, tokens[0], loose, 256, 0, &blob), 0);
	xtskey_close(&key, tokens[0]);
	assert_int_equal(xtskey_open_movable(&key, tokens[0], &blob), 0);
	add_to(&key, tokens[1], to, &blob);
	xtskey_close(&key, tokens[0]);
	assert_opens(tokens[0], &blob);
	assert_opens(tokens[1], &blob);
}

/* Neither an unwrapped key nor a resident one goes anywhere. */
static void test_stays(void **state)
{
	unsigned char kek[PAES_ID_SIZE];
	struct xtskey key, moved;
	struct paes_blob blob;

	(void)state;
	support_need_softhsm();
	make_kek(tokens[0], kek);
	assert_int_equal(xtskey_generate(&key, tokens[0], 256), 0);
	assert_int_equal(xtskey_seal(&key, tokens[0], kek, 256, 0, &blob), 0);
	xtskey_close(&key, tokens[0]);
	assert_int_equal(xtskey_open(&key, tokens[0], &blob), 0);
	support_capture();
	assert_true(xtskey_move(&key, tokens[0], tokens[1], &moved) < 0);
	support_assert_holds(support_captured(), "CKR_KEY_UNEXTRACTABLE");
	xtskey_close(&key, tokens[0]);
	assert_int_equal(xtskey_generate_resident(&key, tokens[0], 256), 0);
	support_capture();
	assert_true(xtskey_move(&key, tokens[0], tokens[1], &moved) < 0);
	support_assert_holds(support_captured(), "CKR_KEY_UNEXTRACTABLE");
	assert_int_equal(xtskey_seal(&key, tokens[0], kek, 256, 0, &blob), 0);
	support_capture();
	assert_int_equal(xtskey_open_movable(&moved, tokens[0], &blob), -EPERM);
	support_assert_holds(support_captured(), "a resident key stays");
	assert_int_equal(xtskey_destroy(&key, tokens[0]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replicas),
		cmocka_unit_test(test_stay_inside),
		cmocka_unit_test(test_named_twice),
		cmocka_unit_test(test_lacks_mechanism),
		cmocka_unit_test(test_half_way),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_not_the_same),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_recipient_changed),
		cmocka_unit_test(test_recipient_refused),
		cmocka_unit_test(test_last_recipient),
		cmocka_unit_test(test_movable),
		cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests_name("several tokens", tests, start, stop);
}
