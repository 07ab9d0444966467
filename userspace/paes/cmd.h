/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subcommands.  Each takes its own argv, with argv[0] as "paes NAME", and
 * returns the exit code of the program.
 */
#ifndef PAES_CMD_H
#define PAES_CMD_H

enum {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,	/* it was tried and didn't work; a message says why */
	EXIT_USAGE	= 2,	/* the command line is wrong */
};

/* Stands at the end of each --help. */
#define CMD_EXIT_CODES \
	"Exit code: 0 done, 1 failed (a message says why), 2 wrong usage."

int cmd_token(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_add_recipient(int argc, char **argv);
int cmd_remove_recipient(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_allow(int argc, char **argv);

#endif
