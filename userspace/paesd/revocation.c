// SPDX-License-Identifier: GPL-2.0
#include "revocation.h"
#include "log.h"
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
	LOCK_TRIES	= 20,
	LOCK_TRY_US	= 100000,
};

/* `paes revoke` holds it for a moment when there is no paesd. */
static int wait_for_lock(const char *path)
{
	int lock = revoked_lock(path);

	for (int i = 1; i < LOCK_TRIES && lock == -EWOULDBLOCK; i++) {
		usleep(LOCK_TRY_US);
		lock = revoked_lock(path);
	}
	return lock;
}

static int revocation_take_lock(struct revocation *revocation, int left)
{
	revocation->lock = left >= 0 ? left : wait_for_lock(revocation->path);
	if (revocation->lock == -EWOULDBLOCK)
		log_error("another paesd keeps its revoked keys in %s: stop it first, or give this one another --revoked",
			  revocation->path);
	return revocation->lock < 0 ? revocation->lock : 0;
}

int revocation_open(struct revocation *revocation,
		    struct supervisor *supervisor, const char *path, int lock)
{
	int error;

	revocation->supervisor = supervisor;
	revocation->path = path;
	revocation->serial = 1;
	error = revocation_take_lock(revocation, lock);
	if (!error)
		error = revoked_load(&revocation->set, path);
	if (!error && revocation->set.count)
		log_info("%u key%s revoked", revocation->set.count,
			 revocation->set.count == 1 ? " is" : "s are");
	return error;
}

void revocation_close(struct revocation *revocation)
{
	if (revocation->path && revocation->lock >= 0)
		close(revocation->lock);
	revocation->path = NULL;
}

/* The next worker after `child` that was told which keys are revoked. */
static struct child *next_told(const struct revocation *revocation,
			       struct child *child)
{
	const struct supervisor *supervisor = revocation->supervisor;
	unsigned int number = child ? child->number : 0;

	for (unsigned int i = 0; i < supervisor->count; i++) {
		const struct pool *pool = &supervisor->pools[i];

		for (unsigned int j = 0; j < pool->count; j++)
			if (pool->children[j].number > number &&
			    pool->children[j].told)
				return &pool->children[j];
	}
	return NULL;
}

void revocation_tell(const struct revocation *revocation, struct child *child)
{
	int error = channel_send_revoked(child->channel, revocation->serial,
					 &revocation->set);

	if (error) {
		log_error("worker %u can't be told which keys are revoked (%s): killed",
			  child->number, strerror(-error));
		child_kill(child, SIGKILL);
	} else if (child->told) {
		/* The first time it waits for it. */
		child_kill(child, SIGUSR1);
	}
	child->told = revocation->serial;
}

static void revocation_tell_all(struct revocation *revocation)
{
	struct child *child = NULL;

	revocation->serial++;
	/* Nobody can tell those, and their successors are on the way. */
	elders_stop(&revocation->supervisor->elders, SIGKILL);
	while ((child = next_told(revocation, child)))
		revocation_tell(revocation, child);
}

static int revocation_revoke(struct revocation *revocation,
			     const unsigned char id[PAES_ID_SIZE],
			     bool *recorded)
{
	int error = revoked_add(&revocation->set, id);

	if (!error)
		*recorded = revoked_save(&revocation->set, revocation->path) == 0;
	return error;
}

static int revocation_allow(struct revocation *revocation,
			    const unsigned char id[PAES_ID_SIZE],
			    bool *recorded)
{
	bool was_revoked = revoked_has(&revocation->set, id);
	int error;

	revoked_remove(&revocation->set, id);
	error = revoked_save(&revocation->set, revocation->path);
	*recorded = !error;
	if (error && was_revoked)
		revoked_add(&revocation->set, id);
	return error;
}

int revocation_change(struct revocation *revocation,
		      const unsigned char id[PAES_ID_SIZE], bool revoke,
		      bool *recorded)
{
	int error = revoke ? revocation_revoke(revocation, id, recorded) :
			     revocation_allow(revocation, id, recorded);

	if (!error)
		revocation_tell_all(revocation);
	return error;
}

unsigned int revocation_deaf(const struct revocation *revocation,
			     uint32_t serial)
{
	struct child *child = NULL;
	unsigned int deaf = elders_alive(&revocation->supervisor->elders);

	while ((child = next_told(revocation, child)))
		deaf += child->heeded < serial;
	return deaf;
}

void revocation_kill_deaf(const struct revocation *revocation, uint32_t serial)
{
	struct child *child = NULL;

	while ((child = next_told(revocation, child))) {
		if (child->heeded >= serial)
			continue;
		log_warning("worker %u doesn't heed which keys are revoked: killed, the module gives its requests to others",
			    child->number);
		child_kill(child, SIGKILL);
	}
}

unsigned int revocation_heeded(const struct revocation *revocation,
			       uint32_t serial, unsigned int *closed)
{
	struct child *child = NULL;
	unsigned int heeded = 0;

	*closed = 0;
	while ((child = next_told(revocation, child))) {
		if (child->heeded < serial)
			continue;
		heeded++;
		if (child->closed > *closed)
			*closed = child->closed;
	}
	return heeded;
}
