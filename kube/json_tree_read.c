/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a text. Values gather on a stack until their list or map is
 * complete, and then lie side by side.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kube/json_tree_internal.h"
#include "kube/utf8.h"

#define STACK_FIRST ((size_t)64)
#define NUMBER_MAX  64 /* characters of a number that need no allocation */

struct walk {
	struct json_tree *t;
	const char *p, *end;
	unsigned depth;
	enum rf_status status; /* RF_OK until the walk is over */
};

static bool read_value(struct walk *w, struct json_node *j);

static bool
refuse(struct walk *w)
{
	w->status = RF_CORRUPT;
	return false;
}

static bool
no_memory(struct walk *w)
{
	w->status = RF_NOMEM;
	return false;
}

/* The next character that is no white space, not taken; NUL at the end, which
 * begins no value either. */
static inline char
peek(struct walk *w)
{
	for (; w->p < w->end; w->p++) {
		char c = *w->p;

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return c;
	}
	return '\0';
}

/* Copy n bytes, mostly a few: a call to memcpy(3) costs more. More may be
 * written than that, up to the next eight. */
static inline void
copy_text(char *to, const char *from, size_t n, const char *end)
{
	size_t i;

	if ((size_t)(end - from) < n + 8) {
		memcpy(to, from, n);
		return;
	}
	for (i = 0; i < n; i += 8)
		memcpy(to + i, from + i, 8);
}

#define EACH(byte)  (UINT64_C(0x0101010101010101) * (byte))
#define HIGH        EACH(0x80)
#define ZEROS(word) (((word)-EACH(1)) & ~(word))

/*
 * How many bytes at p, of a string, stand for themselves: none is a quote, a
 * backslash, a control character, or beyond ASCII. Of eight at a time the
 * lowest that is marked is one of those for sure.
 */
static inline size_t
count_plain(const char *p, const char *end)
{
	const char *at = p;

	for (; end - at >= 8; at += 8) {
		uint64_t x, odd;

		memcpy(&x, at, sizeof(x));
		odd = (((x - EACH(0x20)) & ~x) | ZEROS(x ^ EACH('"')) |
			  ZEROS(x ^ EACH('\\')) | x) &
		    HIGH;
		if (odd == 0)
			continue;
		if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
			return (size_t)(at - p) +
			    (size_t)__builtin_ctzll(odd) / 8;
		break;
	}
	while (at < end && (unsigned char)*at >= 0x20 && *at != '"' &&
	    *at != '\\' && (unsigned char)*at < 0x80)
		at++;
	return (size_t)(at - p);
}

/* Four digits; -1: they are not. */
static int32_t
hex_of(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		value <<= 4;
		if (c >= '0' && c <= '9')
			value |= c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value |= (c | 0x20) - 'a' + 10;
		else
			return -1;
	}
	return value;
}

/* The characters behind "\u", or two of those where they are surrogates; 0:
 * not allowed. */
static uint32_t
take_rune(const char **p, const char *end)
{
	int32_t high = hex_of(*p, end), low;

	if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
		return 0;
	*p += 4;
	if (high < 0xd800 || high > 0xdfff)
		return (uint32_t)high;
	if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return 0;
	low = hex_of(*p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*p += 6;
	return 0x10000 + ((uint32_t)(high - 0xd800) << 10) +
	    (uint32_t)(low - 0xdc00);
}

/* What the backslash at *p begins; NULL: not allowed. */
static char *
take_escape(const char **p, const char *end, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = (*p)[1];
	const char *at = c == '\0' ? NULL : strchr(from, c);
	uint32_t rune;

	*p += 2;
	if (at != NULL) {
		*out++ = to[at - from];
		return out;
	}
	rune = c == 'u' ? take_rune(p, end) : 0;
	return rune == 0 ? NULL : utf8_put(out, rune);
}

/* The content between p and end; NULL: it is none. */
static char *
decode_text(const char *p, const char *end, char *out)
{
	while (p < end) {
		size_t n = 1;

		if (*p == '\\') {
			out = take_escape(&p, end, out);
			if (out == NULL)
				return NULL;
			continue;
		}
		if ((unsigned char)*p < 0x20)
			return NULL;
		if ((unsigned char)*p >= 0x80)
			n = utf8_bytes(p, end);
		if (n == 0)
			return NULL;
		for (; n > 0; n--)
			*out++ = *p++;
	}
	return out;
}

/* A string that holds more than plain characters, w->p at its quote. */
static bool
read_odd_text(struct walk *w, const char **text, size_t *n)
{
	const char *from = w->p + 1, *end = from;
	char *to, *out;

	while (end < w->end && *end != '"')
		end += *end == '\\' ? 2 : 1;
	if (end >= w->end)
		return refuse(w);
	to = json_tree_alloc(w->t, (size_t)(end - from) + 1);
	if (to == NULL)
		return no_memory(w);
	if ((out = decode_text(from, end, to)) == NULL)
		return refuse(w);
	*out = '\0';
	*text = to;
	*n = (size_t)(out - to);
	w->p = end + 1;
	return true;
}

/* The string whose quote is at w->p. It is never longer than its text. */
static inline bool
read_text(struct walk *w, const char **text, size_t *n)
{
	const char *from = w->p + 1;
	char *to;

	*n = count_plain(from, w->end);
	if (from + *n >= w->end || from[*n] != '"')
		return read_odd_text(w, text, n);
	to = json_tree_alloc(w->t, *n + 8);
	if (to == NULL)
		return no_memory(w);
	copy_text(to, from, *n, w->end);
	to[*n] = '\0';
	*text = to;
	w->p = from + *n + 1;
	return true;
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Where the number that p is at ends, or NULL; *is_real: it is no integer. */
static const char *
number_end(const char *p, const char *end, bool *is_real)
{
	const char *from;

	*is_real = false;
	p += p < end && *p == '-';
	from = p;
	if ((p = skip_digits(p, end)) == from || (*from == '0' && p > from + 1))
		return NULL;
	if (p < end && *p == '.') {
		*is_real = true;
		from = ++p;
		if ((p = skip_digits(p, end)) == from)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		*is_real = true;
		p++;
		p += p < end && (*p == '+' || *p == '-');
		from = p;
		if ((p = skip_digits(p, end)) == from)
			return NULL;
	}
	return p;
}

/* text is all of the number. */
static bool
set_number(struct json_node *j, const char *text, bool is_real)
{
	errno = 0;
	if (!is_real) {
		j->kind = JSON_NODE_INTEGER;
		j->integer = strtoll(text, NULL, 10);
		return errno != ERANGE;
	}
	j->kind = JSON_NODE_REAL;
	j->real = strtod(text, NULL);
	return errno != ERANGE || !isinf(j->real); /* too small is zero */
}

static bool
read_number(struct walk *w, struct json_node *j)
{
	char few[NUMBER_MAX], *text = few;
	bool is_real;
	const char *end = number_end(w->p, w->end, &is_real);
	size_t n;

	if (end == NULL)
		return refuse(w);
	n = (size_t)(end - w->p);
	if (n >= sizeof(few) && (text = json_tree_alloc(w->t, n + 1)) == NULL)
		return no_memory(w);
	memcpy(text, w->p, n);
	text[n] = '\0';
	w->p = end;
	return set_number(j, text, is_real) || refuse(w);
}

static bool
read_word(struct walk *w, struct json_node *j)
{
	static const struct word {
		const char *text;
		size_t n;
		enum json_node_kind kind;
	} words[] = { { "null", 4, JSON_NODE_NULL },
		{ "true", 4, JSON_NODE_TRUE },
		{ "false", 5, JSON_NODE_FALSE } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *word = &words[i];

		if ((size_t)(w->end - w->p) >= word->n &&
		    memcmp(w->p, word->text, word->n) == 0) {
			j->kind = (uint8_t)word->kind;
			w->p += word->n;
			return true;
		}
	}
	return refuse(w);
}

/* Keep a value until the list or map that it is in is complete. */
static inline bool
push(struct walk *w, const struct json_node *j)
{
	struct json_tree *t = w->t;

	if (t->n_stack == t->cap_stack) {
		size_t cap = t->cap_stack == 0 ? STACK_FIRST : t->cap_stack * 2;
		struct json_node *v = reallocarray(t->stack, cap, sizeof(*v));

		if (v == NULL)
			return no_memory(w);
		t->stack = v;
		t->cap_stack = cap;
	}
	t->stack[t->n_stack++] = *j;
	return true;
}

/* What is on the stack from there on lies side by side from now on. */
static struct json_node *
pop(struct walk *w, size_t from, size_t *n)
{
	struct json_tree *t = w->t;
	struct json_node *v;

	*n = t->n_stack - from;
	v = json_tree_alloc(t, *n * sizeof(*v));
	if (v == NULL) {
		w->status = RF_NOMEM;
		return NULL;
	}
	if (*n > 0)
		memcpy(v, &t->stack[from], *n * sizeof(*v));
	t->n_stack = from;
	return v;
}

/* Behind an item: true if another one follows. The end is taken. */
static bool
has_more(struct walk *w, char end)
{
	char c = peek(w);

	if (c == ',') {
		w->p++;
		return true;
	}
	if (c == end)
		w->p++;
	else
		w->status = RF_CORRUPT;
	return false;
}

static bool
read_list(struct walk *w, struct json_node *list)
{
	size_t from = w->t->n_stack, n = 0;

	w->p++;
	if (peek(w) == ']') {
		w->p++;
	} else {
		do {
			struct json_node j = { 0 };

			if (!read_value(w, &j) || !push(w, &j))
				return false;
		} while (has_more(w, ']'));
	}
	if (w->status != RF_OK)
		return false;
	list->kind = JSON_NODE_LIST;
	list->items = pop(w, from, &n);
	list->n = (uint32_t)n;
	return list->items != NULL;
}

static bool
read_member(struct walk *w)
{
	struct json_node j = { 0 };
	size_t n;

	if (peek(w) != '"')
		return refuse(w);
	if (!read_text(w, &j.key, &n))
		return false;
	j.key_len = json_key_len(n);
	if (peek(w) != ':')
		return refuse(w);
	w->p++;
	return read_value(w, &j) && push(w, &j);
}

static bool
read_map(struct walk *w, struct json_node *map)
{
	size_t from = w->t->n_stack, n = 0;
	struct json_node *v;

	w->p++;
	if (peek(w) == '}') {
		w->p++;
	} else {
		do
			if (!read_member(w))
				return false;
		while (has_more(w, '}'));
	}
	if (w->status != RF_OK || (v = pop(w, from, &n)) == NULL)
		return false;
	w->status = json_tree_map(v, n, map);
	return w->status == RF_OK;
}

static bool
read_value(struct walk *w, struct json_node *j)
{
	bool is_read;
	size_t n;

	if (w->depth == JSON_TREE_DEPTH_MAX)
		return refuse(w);
	w->depth++;
	switch (peek(w)) {
	case '"':
		j->kind = JSON_NODE_TEXT;
		is_read = read_text(w, &j->text, &n);
		break;
	case '{':
		is_read = read_map(w, j);
		break;
	case '[':
		is_read = read_list(w, j);
		break;
	case 'n':
	case 't':
	case 'f':
		is_read = read_word(w, j);
		break;
	default:
		is_read = read_number(w, j);
		break;
	}
	w->depth--;
	return is_read;
}

enum rf_status
json_tree_read(struct json_tree *t, const char *text, size_t len,
    const struct json_node **out, size_t *used)
{
	struct walk w = { .t = t, .p = text, .end = text + len };
	struct json_node j = { 0 }, *root;
	bool is_read = read_value(&w, &j);

	*out = NULL;
	*used = (size_t)(w.p - text);
	t->n_stack = 0;
	if (!is_read)
		return w.status;
	root = json_tree_alloc(t, sizeof(*root));
	if (root == NULL)
		return RF_NOMEM;
	*root = j;
	*out = root;
	return RF_OK;
}
