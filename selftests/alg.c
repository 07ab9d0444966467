// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_alg.h>

#include "alg.h"

enum { IV_SIZE = 16 };

int alg_open(void)
{
	struct sockaddr_alg address = {
		.salg_family = AF_ALG,
		.salg_type = "skcipher",
		.salg_name = "xts(paes)",
	};
	int tfm = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int ret;

	if (tfm < 0)
		return -errno;
	if (!bind(tfm, (struct sockaddr *)&address, sizeof(address)))
		return tfm;
	ret = -errno;
	close(tfm);
	return ret;
}

int alg_setkey(int tfm, const void *key, size_t length)
{
	return setsockopt(tfm, SOL_ALG, ALG_SET_KEY, key, length) ? -errno : 0;
}

int alg_accept(int tfm)
{
	int op = accept(tfm, NULL, NULL);

	return op < 0 ? -errno : op;
}

static void put_operation(struct cmsghdr *cmsg, bool encrypt)
{
	uint32_t op = encrypt ? ALG_OP_ENCRYPT : ALG_OP_DECRYPT;

	cmsg->cmsg_level = SOL_ALG;
	cmsg->cmsg_type = ALG_SET_OP;
	cmsg->cmsg_len = CMSG_LEN(sizeof(op));
	memcpy(CMSG_DATA(cmsg), &op, sizeof(op));
}

static void put_iv(struct cmsghdr *cmsg, const uint8_t *iv)
{
	struct af_alg_iv *alg_iv = (void *)CMSG_DATA(cmsg);

	cmsg->cmsg_level = SOL_ALG;
	cmsg->cmsg_type = ALG_SET_IV;
	cmsg->cmsg_len = CMSG_LEN(sizeof(*alg_iv) + IV_SIZE);
	alg_iv->ivlen = IV_SIZE;
	memcpy(alg_iv->iv, iv, IV_SIZE);
}

int alg_send(int op, bool encrypt, const uint8_t *iv, const void *data,
	     size_t length, bool more)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4) +
		CMSG_SPACE(sizeof(struct af_alg_iv) + IV_SIZE)] = {};
	struct iovec iov = { (void *)data, length };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = length ? 1 : 0,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	put_operation(cmsg, encrypt);
	put_iv(CMSG_NXTHDR(&msg, cmsg), iv);
	if (sendmsg(op, &msg, more ? MSG_MORE : 0) != (ssize_t)length)
		return -errno;
	return 0;
}

int alg_crypt(int op, bool encrypt, const uint8_t *iv, const void *in,
	      void *out, size_t length)
{
	int ret = alg_send(op, encrypt, iv, in, length, false);
	ssize_t n;

	if (ret)
		return ret;
	n = recv(op, out, length, 0);
	if (n < 0)
		return -errno;
	return n == (ssize_t)length ? 0 : -EMSGSIZE;
}

int alg_once(const void *key, size_t key_length, bool encrypt,
	     const uint8_t *iv, void *data, size_t length)
{
	int tfm = alg_open(), op, ret;

	if (tfm < 0)
		return tfm;
	ret = alg_setkey(tfm, key, key_length);
	op = ret ? ret : alg_accept(tfm);
	ret = op < 0 ? op : alg_crypt(op, encrypt, iv, data, data, length);
	if (op >= 0)
		close(op);
	close(tfm);
	return ret;
}
