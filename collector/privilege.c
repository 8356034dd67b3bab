/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static enum rf_status
become(const char *user, const struct passwd *pw, bool bounding,
    struct rf_error *err)
{
	/* The bounding set takes CAP_SETPCAP to clear; without it there is
	 * nothing in it that could be had, with no_new_privs. */
	int rc = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
	    bounding ? CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING
		     : CAPNG_DROP_SUPP_GRP);

	if (rc == 0)
		return RF_OK;
	return rf_fail(err, RF_IO,
	    "become user %s: libcap-ng says %d; it takes the capabilities "
	    "SETUID and SETGID; or stay with --user root",
	    user, rc);
}

static bool
has(unsigned capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability) != 0;
}

enum rf_status
privilege_drop(const struct privilege_config *config, struct rf_error *err)
{
	const struct passwd *pw = NULL;
	enum rf_status st = RF_OK;
	bool bounding, ids;

	if (config->user != NULL && (pw = getpwnam(config->user)) == NULL)
		return rf_fail(err, RF_INVAL, "user %s: there is no such user",
		    config->user);
	if (capng_get_caps_process() != 0)
		return rf_fail(err, RF_IO, "capabilities cannot be read");
	bounding = has(CAP_SETPCAP);
	ids = has(CAP_SETUID) && has(CAP_SETGID);
	capng_clear(CAPNG_SELECT_BOTH);
	if (config->keep_net_raw)
		(void)capng_updatev(CAPNG_ADD,
		    (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
		    CAP_NET_RAW, -1);
	if (pw != NULL && geteuid() != pw->pw_uid &&
	    (ids || !config->user_optional))
		st = become(config->user, pw, bounding, err);
	else if (capng_apply(
		     bounding ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		st = rf_fail(err, RF_IO, "capabilities cannot be dropped");
	if (st == RF_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		st = rf_fail(err, RF_IO, "no_new_privs: %s", strerror(errno));
	/* Others of the same user may not look into us: packets and the token
	 * are in this memory. A change of user does that by itself. */
	if (st == RF_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		st = rf_fail(err, RF_IO, "undumpable: %s", strerror(errno));
	return st;
}

/* clang-format off */
static const int always[] = {
	/* memory, threads, time, signals, ending */
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(futex),
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid), SCMP_SYS(tgkill), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getrandom),
	SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(getegid),
	SCMP_SYS(getgid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(getrusage),
	/* files: the database, snapshots, the log */
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(read),
	SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(lseek),
	SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(fcntl), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(getdents64), SCMP_SYS(dup),
	SCMP_SYS(ioctl), SCMP_SYS(fadvise64),
	/* waiting, the open captures, and connections to us that are accepted */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
	SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2), SCMP_SYS(signalfd4), SCMP_SYS(accept),
	SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendfile),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername),
};
/* To open captures again, or connections: also what sockets are for. */
static const int with_sockets[] = {
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(socketpair),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
};
/* clang-format on */

static int
allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

static int
allow_socket(scmp_filter_ctx ctx, int family)
{
	const struct scmp_arg_cmp is = {
		.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)family
	};

	return seccomp_rule_add_array(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &is);
}

static int
allow_sockets(scmp_filter_ctx ctx, const struct privilege_config *config)
{
	/* libpcap asks interfaces through these as well */
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX,
		AF_NETLINK };
	int rc;

	if (!config->keep_net_raw && !config->keep_network)
		return 0;
	rc = allow(ctx, with_sockets, NELEM(with_sockets));
	for (size_t i = 0; rc == 0 && i < NELEM(families); i++)
		rc = allow_socket(ctx, families[i]);
	if (rc == 0 && config->keep_net_raw)
		rc = allow_socket(ctx, AF_PACKET);
	return rc;
}

enum rf_status
privilege_confine(const struct privilege_config *config, struct rf_error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = -ENOMEM;

	if (ctx != NULL)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = allow(ctx, always, NELEM(always));
	if (rc == 0)
		rc = allow_sockets(ctx, config);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (rc == 0)
		return RF_OK;
	return rf_fail(err, RF_IO,
	    "system calls cannot be confined: %s; --no-seccomp goes without",
	    strerror(-rc));
}
