/* SPDX-License-Identifier: Apache-2.0 */
/* main: the command table, and nothing that a command could do itself. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/nearest.h"
#include "cli/terminal.h"

static const struct command commands[] = {
	{ &collect_spec, cmd_collect },
	{ &flows_spec, cmd_flows },
	{ &recommend_spec, cmd_recommend },
	{ &testplan_spec, cmd_testplan },
	{ &audit_spec, cmd_audit },
	{ &report_spec, cmd_report },
	{ &check_spec, cmd_check },
	{ &diff_spec, cmd_diff },
	{ &validate_spec, cmd_validate },
	{ &lint_spec, cmd_lint },
	{ &snapshot_spec, cmd_snapshot },
	{ &backup_spec, cmd_backup },
	{ &merge_spec, cmd_merge },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *out)
{
	fputs("ringfence watches which pods really talk to each other and "
	      "writes the\nNetworkPolicies that allow exactly that.\n\n"
	      "Usage: ",
	    out);
	fprintf(
	    out, "%s COMMAND [OPTION]...\n\nCommands:\n", options_program());
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-10s  %s\n", commands[i].spec->name,
		    commands[i].spec->summary);
	fprintf(out,
	    "\n'%s COMMAND --help' shows examples and options;\n"
	    "'%s --version' prints the version.\n",
	    options_program(), options_program());
}

static const struct command *
find(const char *name)
{
	struct nearest near;

	nearest_init(&near, name);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].spec->name, name) == 0)
			return &commands[i];
		nearest_offer(&near, commands[i].spec->name);
	}
	if (*name == '-')
		fprintf(stderr,
		    "ringfence: unknown option '%s'; those of a command stand "
		    "behind it",
		    name);
	else
		fprintf(stderr, "ringfence: unknown command '%s'", name);
	if (near.best != NULL)
		fprintf(stderr, "; did you mean '%s'?", near.best);
	fprintf(stderr, "\nSee '%s --help' for usage.\n", options_program());
	return NULL;
}

/* The list of commands rather than a command or its help? */
static bool
asks_for_usage(int argc, char **argv)
{
	const char *word = argv[1];

	if (strcmp(word, "help") == 0 && argc > 2)
		word = argv[2];
	return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 ||
	    strcmp(word, "help") == 0;
}

static int
run(int argc, char **argv)
{
	static char help[] = "--help";
	const char *word = argc < 2 ? "" : argv[1];
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(word, "--version") == 0) {
		puts("ringfence " RF_VERSION_STRING);
		return STATUS_OK;
	}
	if (asks_for_usage(argc, argv)) {
		usage(stdout);
		return STATUS_OK;
	}
	if (strcmp(word, "__complete") == 0) {
		complete(stdout, commands, N_COMMANDS,
		    (const char *const *)argv + 2, (size_t)argc - 2);
		return STATUS_OK;
	}
	if (strcmp(word, "help") == 0) {
		c = find(argv[2]);
		return c == NULL ? STATUS_USAGE
				 : c->run(2, (char *[]){ argv[2], help, NULL });
	}
	c = find(word);
	return c == NULL ? STATUS_USAGE : c->run(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	int status;

	/* Whoever stops reading us ends us, without a word. */
	(void)signal(SIGPIPE, SIG_DFL);
	/* A file that may not grow is a write that fails, like a full disk. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!terminal_guard_descriptors())
		return STATUS_FAILURE;
	terminal_guard_stderr();
	status = run(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr,
		    "ringfence: cannot write to standard output: "
		    "%s\n",
		    strerror(errno));
		return STATUS_FAILURE;
	}
	return status;
}
