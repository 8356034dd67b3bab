/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: run a command and append one line about it to a file: seconds of
 * wall time, seconds of CPU (user and system), peak RSS in KiB.
 *
 * Exits with the command's own status.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static int
report(const char *path, double wall, const struct rusage *ru)
{
	FILE *f = fopen(path, "a");

	if (f == NULL)
		return -1;
	(void)fprintf(f, "%.4f %.4f %ld\n", wall,
	    seconds(&ru->ru_utime) + seconds(&ru->ru_stime), ru->ru_maxrss);
	return fclose(f);
}

int
main(int argc, char **argv)
{
	struct timespec from, to;
	struct rusage ru;
	int status;
	pid_t pid;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: measure FILE COMMAND [ARG...]\n");
		return 2;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	pid = fork();
	if (pid == 0) {
		(void)execvp(argv[2], argv + 2);
		(void)fprintf(
		    stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid) {
		(void)fprintf(stderr, "measure: %s\n", strerror(errno));
		return 3;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	if (report(argv[1],
		(double)(to.tv_sec - from.tv_sec) +
		    (double)(to.tv_nsec - from.tv_nsec) / 1e9,
		&ru) != 0) {
		(void)fprintf(
		    stderr, "measure: %s: %s\n", argv[1], strerror(errno));
		return 3;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
