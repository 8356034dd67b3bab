/* SPDX-License-Identifier: Apache-2.0 */
/* What is forbidden is refused: asked of the kernel, each in a child. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/privilege.h"
#include "tests/support/case_table.h"

/* Each returns the errno of a call, or 0. */
static int
packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int
inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int
execute(void)
{
	static char name[] = "/bin/true";
	char *argv[] = { name, NULL }, *envp[] = { NULL };

	(void)execve(name, argv, envp);
	return errno;
}

static int
trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static int
become_root(void)
{
	return setuid(0) < 0 ? errno : 0;
}

static int
do_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL) < 0 ? errno : 0;
}

static int
read_file(void)
{
	char buf[8];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, sizeof(buf)) <= 0)
		return errno;
	return close(fd) < 0 ? errno : 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
make_thread(void)
{
	pthread_t t;
	int rc = pthread_create(&t, NULL, nothing, NULL);

	return rc != 0 ? rc : pthread_join(t, NULL);
}

/* In another thread than the one that confined. */
static void *
socket_in_thread(void *arg)
{
	int *rc = arg;

	while (__atomic_load_n(&rc[0], __ATOMIC_ACQUIRE) == 0)
		(void)usleep(1000);
	rc[1] = packet_socket();
	return NULL;
}

static int
in_older_thread(const struct privilege_config *config)
{
	int rc[2] = { 0, 0 };
	pthread_t t;

	if (pthread_create(&t, NULL, socket_in_thread, rc) != 0 ||
	    privilege_confine(config, NULL) != RF_OK)
		return -1;
	__atomic_store_n(&rc[0], 1, __ATOMIC_RELEASE);
	(void)pthread_join(t, NULL);
	return rc[1];
}

/* clang-format off */
static const struct try {
	const char *name;
	int (*call)(void);
	bool net_raw, network; /* what is kept */
	int want;              /* the errno */
} tries[] = {
	{ "packet socket",         packet_socket, false, false, EPERM },
	{ "TCP socket",            inet_socket,   false, false, EPERM },
	{ "TCP socket, kept",      inet_socket,   false, true,  0 },
	{ "packet socket, network", packet_socket, false, true, EPERM },
	{ "packet socket, kept",   packet_socket, true,  false, 0 },
	{ "execve",                execute,       true,  true,  EPERM },
	{ "ptrace",                trace,         true,  true,  EPERM },
	{ "setuid",                become_root,   true,  true,  EPERM },
	{ "mount",                 do_mount,      true,  true,  EPERM },
	{ "reading a file",        read_file,     false, false, 0 },
	{ "a thread",              make_thread,   false, false, 0 },
};
/* clang-format on */

/* Run in a child, as what it gives up does not come back. */
static int
in_child(const struct try *t, const struct privilege_config *config)
{
	struct rf_error err;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (privilege_drop(config, &err) != RF_OK)
			_exit(254);
		if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(252);
		if (t == NULL)
			_exit(in_older_thread(config) & 255);
		if (privilege_confine(config, &err) != RF_OK)
			_exit(253);
		_exit(t->call());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_try(void **state)
{
	const struct try *t = *state;
	struct privilege_config config = {
		.user = geteuid() == 0 ? "nobody" : NULL,
		.user_optional = true,
		.keep_net_raw = t->net_raw,
		.keep_network = t->network,
	};

	if (t->net_raw && t->want == 0 && packet_socket() != 0)
		skip(); /* we have no right to it to begin with */
	assert_int_equal(in_child(t, &config), t->want);
}

static void
test_older_thread(void **state)
{
	const struct privilege_config config = { .user = NULL };

	(void)state;
	assert_int_equal(in_child(NULL, &config), EPERM);
}

static void
test_no_such_user(void **state)
{
	const struct privilege_config config = { .user = "no-such-user" };
	struct rf_error err;

	(void)state;
	assert_int_equal(privilege_drop(&config, &err), RF_INVAL);
	assert_non_null(strstr(err.msg, "no-such-user"));
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_older_thread),
		cmocka_unit_test(test_no_such_user),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_try, tries, name),
	};

	return case_tables_run(
	    "privilege", own, NELEM(own), tables, NELEM(tables));
}
