/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "report/text.h"

#define PIECE_MAX 512

/* A text with all that is not shown written out, in at most 4 * PIECE_MAX. */
static size_t
show(char *out, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0, len;

	for (; *text != '\0'; text += len) {
		uint32_t rune = text_decode(text, &len);
		bool plain = rune == '\n' ||
		    (rune != TEXT_INVALID && !text_is_control(rune));

		for (size_t i = 0; i < len; i++) {
			unsigned char c = (unsigned char)text[i];

			if (plain) {
				out[n++] = text[i];
				continue;
			}
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = digits[c >> 4];
			out[n++] = digits[c & 15];
		}
	}
	return n;
}

/* The first piece of a text: whole characters, and a string. */
static size_t
cut(char *piece, const char *text, size_t n)
{
	size_t len = n < PIECE_MAX ? n : PIECE_MAX;

	while (len < n && len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++)
		piece[i] = text[i];
	for (size_t i = 0; i < len; i++)
		if (piece[i] == '\0') /* a string ends there, a text does not */
			piece[i] = '\x01';
	piece[len] = '\0';
	return len;
}

static bool
write_all(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		s += k;
		n -= (size_t)k;
	}
	return true;
}

static ssize_t
write_guarded(void *cookie, const char *text, size_t n)
{
	char piece[PIECE_MAX + 1], shown[4 * PIECE_MAX];

	(void)cookie;
	for (size_t i = 0; i < n;) {
		i += cut(piece, text + i, n - i);
		if (!write_all(STDERR_FILENO, shown, show(shown, piece)))
			return 0;
	}
	return (ssize_t)n;
}

void
terminal_guard_stderr(void)
{
	const cookie_io_functions_t io = { .write = write_guarded };
	FILE *f = fopencookie(NULL, "w", io);

	if (f == NULL)
		return;
	(void)setvbuf(f, NULL, _IONBF, 0);
	stderr = f; /* glibc lets it be replaced */
}

/* What is opened gets the lowest number that is free. */
bool
terminal_guard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

void
terminal_puts(const char *text, FILE *out)
{
	char piece[PIECE_MAX + 1], shown[4 * PIECE_MAX];

	for (size_t n = strlen(text); n > 0;) {
		size_t len = cut(piece, text, n);

		(void)fwrite(shown, 1, show(shown, piece), out);
		text += len;
		n -= len;
	}
}

static bool
is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,=-";

	return *text != '\0' && text[strspn(text, plain)] == '\0';
}

static bool
is_shown(const char *text)
{
	for (size_t len; *text != '\0'; text += len) {
		uint32_t rune = text_decode(text, &len);

		if (rune == TEXT_INVALID || text_is_control(rune))
			return false;
	}
	return true;
}

/* What is not shown as it is takes $'...', which is not known to every sh. */
void
terminal_put_word(const char *text, FILE *out)
{
	bool shown = is_shown(text);

	if (is_plain(text)) {
		(void)fputs(text, out);
		return;
	}
	(void)fputs(shown ? "'" : "$'", out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\'')
			(void)fputs(shown ? "'\\''" : "\\'", out);
		else if (!shown && c == '\\')
			(void)fputs("\\\\", out);
		else if (!shown && (c < 0x20 || c >= 0x7f))
			(void)fprintf(out, "\\%03o", c);
		else
			(void)fputc(c, out);
	}
	(void)fputc('\'', out);
}
