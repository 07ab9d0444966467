// SPDX-License-Identifier: GPL-2.0
/* The crypto API's side: xts(paes), an skcipher whose key is a wrapped key. */

#include <crypto/aes.h>
#include <crypto/internal/skcipher.h>
#include <linux/capability.h>
#include <linux/module.h>

#include "queue.h"
#include "setkey.h"
#include "skcipher.h"

/**
 * struct paes_tfm - one transform
 * @lock:	protects @key; neither dm-crypt nor AF_ALG sets a key under I/O,
 *		but nothing keeps other users from it; BH
 * @key:	NULL while none is set; holds a reference
 */
struct paes_tfm {
	spinlock_t lock;	/* key */
	struct paes_key *key;
};

static struct paes_key *paes_tfm_exchange(struct paes_tfm *tfm,
					  struct paes_key *key)
{
	struct paes_key *old;

	spin_lock_bh(&tfm->lock);
	old = tfm->key;
	tfm->key = key;
	spin_unlock_bh(&tfm->lock);
	return old;
}

/* The key in use, with a reference for the caller, or NULL. */
static struct paes_key *paes_tfm_key(struct paes_tfm *tfm)
{
	struct paes_key *key;

	spin_lock_bh(&tfm->lock);
	key = tfm->key;
	if (key)
		paes_key_get(key);
	spin_unlock_bh(&tfm->lock);
	return key;
}

/*
 * The old key is closed first: dm-crypt wipes a key by setting random bytes,
 * and after whatever error there must be none.  An unprivileged process that
 * got hold of a blob must not find an oracle in AF_ALG.
 */
static int paes_setkey(struct crypto_skcipher *cipher, const u8 *bytes,
		       unsigned int length)
{
	struct paes_tfm *tfm = crypto_skcipher_ctx(cipher);
	struct paes_key *key;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	paes_setkey_close(paes_tfm_exchange(tfm, NULL));
	key = paes_setkey_open(bytes, length);
	if (IS_ERR(key))
		return PTR_ERR(key);
	paes_setkey_close(paes_tfm_exchange(tfm, key));
	return 0;
}

static int paes_crypt(struct skcipher_request *request, enum paes_op op)
{
	struct crypto_skcipher *cipher = crypto_skcipher_reqtfm(request);
	struct paes_key *key;
	int ret;

	if (request->cryptlen < AES_BLOCK_SIZE)
		return -EINVAL;
	key = paes_tfm_key(crypto_skcipher_ctx(cipher));
	if (!key)
		return -ENOKEY;
	ret = paes_queue_submit(key, request, op);
	paes_key_put(key);
	return ret;
}

static int paes_encrypt(struct skcipher_request *request)
{
	return paes_crypt(request, PAES_OP_ENCRYPT);
}

static int paes_decrypt(struct skcipher_request *request)
{
	return paes_crypt(request, PAES_OP_DECRYPT);
}

static int paes_init_tfm(struct crypto_skcipher *cipher)
{
	struct paes_tfm *tfm = crypto_skcipher_ctx(cipher);

	spin_lock_init(&tfm->lock);
	tfm->key = NULL;
	crypto_skcipher_set_reqsize(cipher, sizeof(struct paes_data));
	return 0;
}

static void paes_exit_tfm(struct crypto_skcipher *cipher)
{
	struct paes_tfm *tfm = crypto_skcipher_ctx(cipher);

	paes_setkey_close(paes_tfm_exchange(tfm, NULL));
}

/*
 * Key sizes: only PAES_BLOB_SIZE is ever accepted, but a wrong size that the
 * core refuses would leave the old key in place and nothing in the log.
 */
static struct skcipher_alg paes_xts_alg = {
	.base.cra_name		= "xts(paes)",
	.base.cra_driver_name	= "xts-paes-broker",
	.base.cra_priority	= 300,
	.base.cra_flags		= CRYPTO_ALG_ASYNC,
	.base.cra_blocksize	= AES_BLOCK_SIZE,
	.base.cra_ctxsize	= sizeof(struct paes_tfm),
	.base.cra_module	= THIS_MODULE,
	.init			= paes_init_tfm,
	.exit			= paes_exit_tfm,
	.setkey			= paes_setkey,
	.encrypt		= paes_encrypt,
	.decrypt		= paes_decrypt,
	.min_keysize		= 1,
	.max_keysize		= PAGE_SIZE,
	.ivsize			= PAES_IV_SIZE,
};

/**
 * paes_skcipher_register() - offer xts(paes) to the kernel
 *
 * Return: 0 or -errno.
 */
int paes_skcipher_register(void)
{
	return crypto_register_skcipher(&paes_xts_alg);
}

/**
 * paes_skcipher_unregister() - no tfm is left by then
 */
void paes_skcipher_unregister(void)
{
	crypto_unregister_skcipher(&paes_xts_alg);
}
