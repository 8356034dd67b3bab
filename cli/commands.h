/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: what main.c dispatches to, one cmd_*.c per row.
 *
 * argv[0] is the command's name. A command returns the exit status of the
 * process and has printed everything that there is to say.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

/* Exit statuses, as the manual promises them. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FINDINGS = 1,
	STATUS_USAGE = 2,
	STATUS_FAILURE = 3
};

struct command {
	const struct command_spec *spec;
	int (*run)(int argc, char **argv);
};

extern const struct command_spec audit_spec, check_spec, collect_spec,
    diff_spec, flows_spec, lint_spec, merge_spec, recommend_spec, report_spec,
    testplan_spec, snapshot_spec, validate_spec, backup_spec;

int cmd_audit(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_collect(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_flows(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_recommend(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_testplan(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_validate(int argc, char **argv);

#endif
