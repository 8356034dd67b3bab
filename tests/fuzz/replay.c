/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: a plain main for a fuzz target, which feeds it every file of the
 * folders given, in name order. It needs no fuzzer, so that what fuzzing
 * once found stays found in every `make test`. NAME.pack is many inputs
 * (tests/fuzz/pack.py).
 *
 * A folder that is missing or empty is a failure: nothing would be tested.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES (1u << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The whole file in memory of exactly its size, so that ASan sees one byte
 * too many; NULL when it cannot be read. */
static uint8_t *
read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf = NULL, *exact = NULL;

	if (f == NULL)
		return NULL;
	buf = malloc(INPUT_MAX_BYTES);
	if (buf == NULL)
		goto out;
	*size = fread(buf, 1, INPUT_MAX_BYTES, f);
	if (ferror(f) != 0 || !feof(f))
		goto out;
	exact = malloc(*size == 0 ? 1 : *size);
	if (exact != NULL)
		memcpy(exact, buf, *size);
out:
	free(buf);
	(void)fclose(f);
	return exact;
}

/* Every input of a pack, each in memory of its own; how many, or -1. */
static int
replay_pack(const char *path, const uint8_t *data, size_t size)
{
	size_t at = 0;
	int n = 0;

	while (size - at >= 4) {
		size_t len = data[at] | (size_t)data[at + 1] << 8 |
		    (size_t)data[at + 2] << 16 | (size_t)data[at + 3] << 24;
		uint8_t *input;

		at += 4;
		if (len > size - at || (input = malloc(len + !len)) == NULL)
			break;
		memcpy(input, data + at, len);
		(void)printf("%s, input %d\n", path, n);
		(void)fflush(stdout);
		(void)LLVMFuzzerTestOneInput(input, len);
		free(input);
		at += len;
		n++;
	}
	if (at == size)
		return n;
	(void)fprintf(stderr, "replay: %s is no pack\n", path);
	return -1;
}

static bool
is_pack(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".pack") == 0;
}

/* How many inputs it held, or -1. */
static int
replay_file(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data;
	size_t size = 0;
	int n = 1;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	data = read_file(path, &size);
	if (data == NULL) {
		(void)fprintf(stderr, "replay: cannot read %s\n", path);
		return -1;
	}
	if (is_pack(name)) {
		n = replay_pack(path, data, size);
	} else {
		/* Said before, so that a crash has a name. */
		(void)printf("%s, %zu bytes\n", path, size);
		(void)fflush(stdout);
		(void)LLVMFuzzerTestOneInput(data, size);
	}
	free(data);
	return n;
}

/* How many inputs were replayed, or -1. */
static int
replay_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_input, alphasort);
	int rc = 0;

	if (n <= 0) {
		(void)fprintf(stderr, "replay: %s: %s\n", folder,
		    n < 0 ? "cannot be read" : "holds no inputs");
		if (n == 0)
			free(entries);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		int inputs = replay_file(folder, entries[i]->d_name);

		rc = inputs < 0 || rc < 0 ? -1 : rc + inputs;
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int
main(int argc, char **argv)
{
	int total = 0;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	(void)printf("%d passed, 0 failed\n", total);
	return 0;
}
