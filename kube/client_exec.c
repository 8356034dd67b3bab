/* SPDX-License-Identifier: Apache-2.0 */
/* Running a credential plugin: its output is ours, its errors are seen. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kube/client_internal.h"

#define OUTPUT_MAX ((size_t)1024 * 1024)
#define INFO_NAME  "KUBERNETES_EXEC_INFO"
#define LOOK_MS    5 /* how often one that closed its output is looked at */

/* argv and envp of the plugin; released by plugin_release. */
struct plugin {
	char **argv, **envp;
	size_t n_args, n_env;
	pid_t pid;
	int out;               /* our end of its output; -1: none */
	int max_ms;            /* so long it may take */
	struct timespec start; /* of its time */
};

static void
plugin_release(struct plugin *p)
{
	for (size_t i = 0; i < p->n_args; i++)
		free(p->argv[i]);
	for (size_t i = 0; i < p->n_env; i++)
		free(p->envp[i]);
	free(p->argv);
	free(p->envp);
	if (p->out >= 0)
		(void)close(p->out);
}

static bool
add_string(char **v, size_t *n, const char *text)
{
	if ((v[*n] = strdup(text)) == NULL)
		return false;
	(*n)++;
	return true;
}

/* name is "NAME=…": a later setting replaces an earlier one. */
static bool
set_variable(struct plugin *p, const char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < p->n_env; i++)
		if (strncmp(p->envp[i], text, len) == 0) {
			free(p->envp[i]);
			p->envp[i] = strdup(text);
			return p->envp[i] != NULL;
		}
	return add_string(p->envp, &p->n_env, text);
}

static bool
set_environment(struct plugin *p, const struct kubeconfig *kc, const char *info)
{
	size_t n = 0, size;
	char *text;
	bool ok;

	while (environ[n] != NULL)
		n++;
	p->envp = calloc(n + kc->exec.n_env + 2, sizeof(*p->envp));
	ok = p->envp != NULL;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_string(p->envp, &p->n_env, environ[i]);
	for (size_t i = 0; ok && i < kc->exec.n_env; i++)
		ok = set_variable(p, kc->exec.env[i]);
	if (ok) {
		size = strlen(info) + sizeof(INFO_NAME "=");
		text = malloc(size);
		ok = text != NULL;
		if (ok) {
			(void)snprintf(text, size, INFO_NAME "=%s", info);
			ok = set_variable(p, text);
		}
		free(text);
	}
	return ok;
}

static bool
set_arguments(struct plugin *p, const struct kubeconfig_exec *exec)
{
	bool ok;

	p->argv = calloc(exec->n_args + 2, sizeof(*p->argv));
	ok = p->argv != NULL && add_string(p->argv, &p->n_args, exec->command);
	for (size_t i = 0; ok && i < exec->n_args; i++)
		ok = add_string(p->argv, &p->n_args, exec->args[i]);
	return ok;
}

/* Standard input is empty, standard error is ours. No other file of ours is a
 * plugin's: libpcap's sockets, for one, would outlive an exec. */
static int
add_files(posix_spawn_file_actions_t *actions, int out)
{
	int rc = posix_spawn_file_actions_addopen(
	    actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
		    actions, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(
		    actions, STDERR_FILENO + 1);
	return rc;
}

/* A collector blocks the signals that end it, and what a plugin runs must end
 * by them all the same. */
static int
add_signals(posix_spawnattr_t *attr)
{
	sigset_t none, pipe_only;
	int rc;

	(void)sigemptyset(&none);
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	rc = posix_spawnattr_setsigmask(attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attr, &pipe_only);
	if (rc == 0)
		rc = posix_spawnattr_setflags(
		    attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return rc;
}

static int
spawn(struct plugin *p)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	if ((rc = posix_spawn_file_actions_init(&actions)) != 0)
		goto out;
	if ((rc = posix_spawnattr_init(&attr)) != 0)
		goto out_actions;
	if ((rc = add_files(&actions, ends[1])) == 0)
		rc = add_signals(&attr);
	if (rc == 0) /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): p's */
		rc = posix_spawnp(
		    &p->pid, p->argv[0], &actions, &attr, p->argv, p->envp);
	(void)posix_spawnattr_destroy(&attr);
out_actions:
	(void)posix_spawn_file_actions_destroy(&actions);
out:
	(void)close(ends[1]);
	if (rc == 0)
		p->out = ends[0];
	else
		(void)close(ends[0]);
	return rc;
}

/* Of its time; none: 0 or less. */
static int
left_ms(const struct plugin *p)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return p->max_ms -
	    (int)((now.tv_sec - p->start.tv_sec) * 1000 +
		(now.tv_nsec - p->start.tv_nsec) / 1000000);
}

/* Everything it prints; false: not in its time, or it cannot be read. */
static bool
read_output(const struct plugin *p, struct strbuf *text)
{
	struct pollfd fd = { .fd = p->out, .events = POLLIN };
	char buf[4096];

	for (;;) {
		int left = left_ms(p);
		int rc = left <= 0 ? 0 : poll(&fd, 1, left);
		ssize_t n;

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return false;
		n = read(p->out, buf, sizeof(buf));
		if (n <= 0)
			return n == 0;
		strbuf_add(text, buf, (size_t)n);
	}
}

/* Whoever closes its output may go on all the same. false: it did not end in
 * its time. */
static bool
wait_for_end(const struct plugin *p, int *status)
{
	for (;;) {
		pid_t pid = waitpid(p->pid, status, WNOHANG);

		if (pid == p->pid || (pid < 0 && errno != EINTR))
			return true;
		if (left_ms(p) <= 0)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static enum rf_status
cannot_start(const struct kubeconfig_exec *exec, int why, struct rf_error *err)
{
	if (why == ENOENT && exec->install_hint != NULL)
		return rf_fail(err, RF_IO, "run %s: %s; %.250s", exec->command,
		    strerror(why), exec->install_hint);
	return rf_fail(err, RF_IO, "run %s: %s", exec->command, strerror(why));
}

static enum rf_status
reap(const struct plugin *p, const char *command, bool is_read,
    struct rf_error *err)
{
	int status = 0;

	if (!is_read || !wait_for_end(p, &status)) {
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
			continue;
		return rf_fail(err, RF_IO, "%s: did not end within %g s",
		    command, p->max_ms / 1e3);
	}
	if (WIFSIGNALED(status))
		return rf_fail(err, RF_IO, "%s: ended by signal %d", command,
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return rf_fail(err, RF_IO, "%s: exit status %d", command,
		    WEXITSTATUS(status));
	return RF_OK;
}

enum rf_status
credentials_run_plugin(struct credentials *cr, const struct kubeconfig *kc,
    int max_ms, struct rf_error *err)
{
	const struct kubeconfig_exec *exec = &kc->exec;
	struct plugin p = { .out = -1, .max_ms = max_ms };
	struct strbuf text;
	enum rf_status st;
	char *info;
	int rc;

	strbuf_init(&text, OUTPUT_MAX);
	if ((st = credentials_exec_info(&info, kc, err)) != RF_OK) {
		st = rf_wrap(err, st, "%s: what it is told", exec->command);
		goto out;
	}
	if (!set_arguments(&p, exec) || !set_environment(&p, kc, info)) {
		st = rf_fail(err, RF_NOMEM, "API client: out of memory");
		goto out;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &p.start);
	if ((rc = spawn(&p)) != 0) {
		st = cannot_start(exec, rc, err);
		goto out;
	}
	st = reap(&p, exec->command, read_output(&p, &text), err);
	if (st == RF_OK)
		st = credentials_parse(
		    cr, strbuf_str(&text), text.len, exec->command, err);
	if (text.s != NULL)
		explicit_bzero(text.s, text.len);
out:
	strbuf_release(&text);
	plugin_release(&p);
	free(info);
	return st;
}
