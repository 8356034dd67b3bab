/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

/* Set once at start by cli/ or a test; read-only while the program works. */
static struct {
	log_sink *sink;
	void *arg;
} log_config;

void
log_set_sink(log_sink *sink, void *arg)
{
	log_config.sink = sink;
	log_config.arg = arg;
}

/* Control bytes could forge a line or move a terminal's cursor. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static void emit(enum log_level level, const char *area, const char *fmt,
    va_list ap) RF_PRINTF(3, 0);

static void
emit(enum log_level level, const char *area, const char *fmt, va_list ap)
{
	static const char *const names[] = { "error", "warning" };
	char line[1024];
	int n;

	n = snprintf(
	    line, sizeof(line), "ringfence: %s: %s: ", names[level], area);
	if (n > 0 && (size_t)n < sizeof(line))
		(void)vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	make_printable(line);
	if (log_config.sink != NULL)
		log_config.sink(level, line, log_config.arg);
	else
		(void)fprintf(stderr, "%s\n", line);
}

#define LOG_FUNCTION(name, level)                                              \
	void name(const char *area, const char *fmt, ...)                      \
	{                                                                      \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		emit(level, area, fmt, ap);                                    \
		va_end(ap);                                                    \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
