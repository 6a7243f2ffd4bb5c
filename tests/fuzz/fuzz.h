/* What the fuzz targets have in common.
 *
 * A target checks properties, and not only that nothing crashes: a check that fails says what and
 * aborts, which libFuzzer takes for a crash and keeps the input of. What a target sees is a copy of
 * exactly the input's size, so that the address sanitizer sees a step too far. */
#ifndef XD_TESTS_FUZZ_H
#define XD_TESTS_FUZZ_H

#include "base/bytes.h"
#include "documents/schema.h"

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fuzz_broken(__FILE__, __LINE__, #condition);                                                     \
        }                                                                                                    \
    } while (0)
_Noreturn void fuzz_broken(const char *file, int line, const char *what);

/* A copy of exactly size bytes (free), and a zero-terminated one. */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);
char *fuzz_copy_text(const uint8_t *data, size_t size);

/* The input as a list of decisions. When it is used up, all that is left are zeros. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};
uint8_t fuzz_byte(struct fuzz_input *input);
unsigned fuzz_below(struct fuzz_input *input, unsigned limit); /* 0..limit-1, limit <= 256 */
uint64_t fuzz_u64(struct fuzz_input *input);
/* The next size bytes, or as many as there are. */
struct xd_bytes fuzz_take(struct fuzz_input *input, size_t size);

/* Every problem has a code, a pointer that is one, and texts that are UTF-8. */
void fuzz_check_problems(const struct xd_problems *problems);
/* What a reader says of a document: fine and no error, or wrong and at least one. */
void fuzz_check_verdict(enum xd_result result, const struct xd_problems *problems);
/* The content hash of a JSON text that we wrote ourselves: it must be one that can be read. */
struct xd_hash fuzz_hash_of(struct xd_bytes text);

/* A folder of this process in TMPDIR (else /dev/shm: stores and files there cost no fsync), removed at exit
 * with the plain files in it. */
const char *fuzz_folder(void);
void fuzz_write_file(const char *path, struct xd_bytes content);

#endif
