// SPDX-License-Identifier: GPL-2.0
/* paes: makes and looks at wrapped keys.  One table drives dispatch and usage. */
#include "cmd.h"

#include "log.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

const char *argp_program_version = "paes " PAES_VERSION;

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "token", cmd_token, "find out what a token really does" },
	{ "init", cmd_init, "make a wrapping key (KEK) in the token" },
	{ "generate", cmd_generate, "make a new key in the token, wrapped" },
	{ "import", cmd_import, "wrap a key that exists in the clear" },
	{ "add-recipient", cmd_add_recipient, "wrap a key for a further token" },
	{ "remove-recipient", cmd_remove_recipient, "take a token out of a wrapped key" },
	{ "inspect", cmd_inspect, "show what is in a wrapped key" },
	{ "verify", cmd_verify, "see whether the token opens a wrapped key" },
	{ "destroy", cmd_destroy, "destroy a key that is resident in the token" },
	{ "status", cmd_status, "show the running module and daemon" },
	{ "revoke", cmd_revoke, "close a key at once, until it is allowed" },
	{ "allow", cmd_allow, "let a revoked key be used again" },
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static void print_usage(FILE *to)
{
	fputs("Usage: paes COMMAND [OPTION...]\n"
	      "Keys for disks that only a hardware security module can open.\n\n",
	      to);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-16s %s\n", commands[i].name,
			commands[i].summary);
	fputs("\n\"paes COMMAND --help\" tells more; \"paes --version\" the version.\n"
	      CMD_EXIT_CODES "\n", to);
}

static const struct command *find_command(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	char name[32];

	/* argp(3) takes the name for its messages from argv[0]. */
	snprintf(name, sizeof(name), "paes %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

static int unknown(const char *name)
{
	log_error("unknown command \"%s\": \"paes help\" lists them", name);
	return EXIT_USAGE;
}

/* "paes help generate" is "paes generate --help". */
static int help(int argc, char **argv)
{
	char *with_help[] = { argv[0], (char *)"--help", NULL };
	const struct command *command;

	if (argc < 2) {
		print_usage(stdout);
		return EXIT_OK;
	}
	command = find_command(argv[1]);
	return command ? run_command(command, 2, with_help) : unknown(argv[1]);
}

static int dispatch(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help"))
		return help(argc - 1, argv + 1);
	command = find_command(argv[1]);
	return command ? run_command(command, argc - 1, argv + 1) :
			 unknown(argv[1]);
}

int main(int argc, char **argv)
{
	int code;

	log_setup("paes", LOG_LEVEL_INFO);
	argp_err_exit_status = EXIT_USAGE;
	/* A token within this process has keys in its memory: no core dumps. */
	prctl(PR_SET_DUMPABLE, 0);
	/* A token behind a socket (p11-kit remoting) may go away at any time. */
	signal(SIGPIPE, SIG_IGN);
	code = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		log_error("can't write to standard output: %m");
		return EXIT_FAILED;
	}
	return code;
}
