/* See the header. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A world that is opened for every input frees megabytes each time: a short quarantine keeps them in the
 * cache. The environment overrides this. */
const char *__asan_default_options(void); /* the sanitizer's name for it */
const char *__asan_default_options(void) {
    return "quarantine_size_mb=16:malloc_context_size=8:detect_stack_use_after_return=0";
}

void fuzz_broken(const char *file, int line, const char *what) {
    (void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    abort();
}

uint8_t *fuzz_copy(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *fuzz_copy_text(const uint8_t *data, size_t size) {
    char *copy = malloc(size + 1);
    CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    return copy;
}

uint8_t fuzz_byte(struct fuzz_input *input) {
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->data++;
}

unsigned fuzz_below(struct fuzz_input *input, unsigned limit) {
    return fuzz_byte(input) % limit;
}

uint64_t fuzz_u64(struct fuzz_input *input) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | fuzz_byte(input);
    }
    return value;
}

struct xd_bytes fuzz_take(struct fuzz_input *input, size_t size) {
    size = size < input->size ? size : input->size;
    struct xd_bytes taken = xd_bytes_of(input->data, size);
    input->data += size;
    input->size -= size;
    return taken;
}

void fuzz_check_problems(const struct xd_problems *problems) {
    CHECK(problems->count <= XD_PROBLEMS_MAX);
    for (size_t i = 0; i < problems->count; i++) {
        const struct xd_problem *item = &problems->items[i];
        CHECK(item->code != NULL && item->code[0] != '\0');
        CHECK(item->pointer[0] == '\0' || item->pointer[0] == '/');
        CHECK(strlen(item->detail) > 0);
        CHECK(xd_utf8_valid(xd_bytes_of_text(item->pointer)));
        CHECK(xd_utf8_valid(xd_bytes_of_text(item->detail)));
    }
}

void fuzz_check_verdict(enum xd_result result, const struct xd_problems *problems) {
    CHECK(result == XD_OK || result == XD_INVALID);
    CHECK((result == XD_INVALID) == (problems->errors > 0));
    CHECK(problems->errors == 0 || problems->count > 0);
    fuzz_check_problems(problems);
}

struct xd_hash fuzz_hash_of(struct xd_bytes text) {
    static struct xd_problems problems;
    struct xd_document document;
    xd_problems_clear(&problems);
    CHECK(xd_document_parse(text, &document, &problems) == XD_OK);
    struct xd_hash hash = document.hash;
    xd_document_free(&document);
    return hash;
}

static char folder[160];

static void remove_folder(void) {
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    (void)rmdir(folder);
}

const char *fuzz_folder(void) {
    const char *base = getenv("TMPDIR");
    if (folder[0] == '\0') {
        (void)snprintf(folder, sizeof folder, "%.100s/xd-fuzz-XXXXXX", base != NULL ? base : "/dev/shm");
        CHECK(mkdtemp(folder) != NULL);
        CHECK(atexit(remove_folder) == 0);
    }
    return folder;
}

void fuzz_write_file(const char *path, struct xd_bytes content) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    CHECK(write(file, content.data, content.size) == (ssize_t)content.size);
    CHECK(close(file) == 0);
}
