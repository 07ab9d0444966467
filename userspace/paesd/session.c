// SPDX-License-Identifier: GPL-2.0
#include "session.h"
#include "log.h"
#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

uint64_t session_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
}

static int token_make(uint8_t token[PAES_TOKEN_SIZE])
{
	if (getrandom(token, PAES_TOKEN_SIZE, 0) == PAES_TOKEN_SIZE)
		return 0;
	log_error("no random bytes for a session token: %s", strerror(errno));
	return -EIO;
}

/* From now on `token` is the one. */
static void session_begin(struct session *session,
			  const struct rotation *rotation, uint64_t now)
{
	session->offered = false;
	session->left = rotation->requests ? rotation->requests : UINT64_MAX;
	session->until = rotation->seconds ? now + rotation->seconds : UINT64_MAX;
}

int session_start(struct session *session, const struct rotation *rotation,
		  uint64_t now)
{
	*session = (struct session){ 0 };
	session_begin(session, rotation, now);
	return token_make(session->token);
}

bool session_advance(struct session *session,
		     const uint8_t shown[PAES_TOKEN_SIZE],
		     const struct rotation *rotation, uint64_t now)
{
	if (!session->offered ||
	    !paes_blob_equal(session->next, shown, PAES_TOKEN_SIZE))
		return false;
	memcpy(session->token, session->next, PAES_TOKEN_SIZE);
	secret_wipe(session->next, PAES_TOKEN_SIZE);
	session_begin(session, rotation, now);
	return true;
}

bool session_rotate(struct session *session)
{
	session->offered = !token_make(session->next);
	return session->offered;
}
