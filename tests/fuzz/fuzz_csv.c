/* The ledger's CSV files, held against a second reader that was written from RFC 4180 alone and works on a
 * copy: both must find the same fields, or the same that nothing can be read. */
#include "fuzz/fuzz.h"

#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

static const struct xd_csv_column columns[] = {
    {"sku", true}, {"name", false}, {"qty", true}, {"price", false}, {NULL, false}};
#define COLUMNS (sizeof columns / sizeof columns[0] - 1)

/* The next field of a record into out; false: it cannot be read. */
static bool plain_field(const char **at, char *out, bool *last) {
    const char *p = *at;
    size_t size = 0;
    bool quoted = *p == '"';
    for (p += quoted; *p != '\0' && (quoted || (*p != ',' && *p != '\n')); p++) {
        if (*p == '"' && (!quoted || p[1] != '"')) {
            break;
        }
        p += *p == '"';
        out[size++] = *p;
    }
    if (quoted != (*p == '"')) {
        return false;
    }
    p += quoted;
    if (quoted && p[0] == '\r' && p[1] == '\n') {
        p++;
    }
    if (!quoted && *p == '\n' && size > 0 && out[size - 1] == '\r') {
        size--;
    }
    out[size] = '\0';
    *last = *p != ',';
    *at = p + (*p != '\0');
    return *p == ',' || *p == '\n' || *p == '\0';
}

static bool skip_empty(const char **at) {
    while (**at == '\n' || ((*at)[0] == '\r' && (*at)[1] == '\n')) {
        *at += **at == '\r' ? 2 : 1;
    }
    return **at != '\0';
}

/* A record that xd_csv_next gave, against the text from *at on; *at moves behind it. */
static void check_record(const struct xd_csv *csv, const char **at, char *scratch) {
    bool last = false;
    CHECK(skip_empty(at));
    for (size_t i = 0; i < csv->width; i++) {
        CHECK(!last && plain_field(at, scratch, &last));
        CHECK(csv->order[i] >= 0 && (size_t)csv->order[i] < COLUMNS);
        CHECK(strcmp(csv->values[csv->order[i]], scratch) == 0);
    }
    CHECK(last);
}

static void skip_header(const struct xd_csv *csv, const char **at, char *scratch) {
    bool last = false;
    CHECK(skip_empty(at));
    for (size_t i = 0; i < csv->width; i++) {
        CHECK(!last && plain_field(at, scratch, &last));
        CHECK(strcmp(columns[csv->order[i]].name, scratch) == 0);
    }
    CHECK(last);
}

static void check_values(const struct xd_csv *csv) {
    for (size_t i = 0; i < COLUMNS; i++) {
        CHECK(csv->values[i] != NULL && (!columns[i].required || csv->values[i][0] != '\0'));
        CHECK(xd_utf8_valid(xd_bytes_of_text(csv->values[i])));
    }
}

/* It says what and where, in one line. */
static void check_refused(const struct xd_csv *csv, unsigned lines) {
    CHECK(csv->why[0] != '\0' && strlen(csv->why) < sizeof csv->why);
    CHECK(xd_utf8_valid(xd_bytes_of_text(csv->why)) && strpbrk(csv->why, "\r\n\t") == NULL);
    CHECK(csv->line >= 1 && csv->line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct xd_csv csv;
    uint8_t *copy = fuzz_copy(data, size);
    char *text = fuzz_copy_text(data, size), *scratch = malloc(size + 1);
    const char *at = text;
    unsigned lines = 1, before = 0;
    CHECK(scratch != NULL);
    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n';
    }
    enum xd_result result = xd_csv_open(&csv, xd_bytes_of(copy, size), columns);
    at += strncmp(at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (result == XD_OK) {
        CHECK(csv.width >= 1 && csv.width <= COLUMNS);
        skip_header(&csv, &at, scratch);
        while ((result = xd_csv_next(&csv)) == XD_OK) {
            CHECK(csv.line > before && csv.line <= lines);
            before = csv.line;
            check_values(&csv);
            check_record(&csv, &at, scratch);
        }
        CHECK(result == XD_INVALID || (result == XD_NOT_FOUND && !skip_empty(&at)));
    }
    CHECK(result == XD_INVALID || result == XD_NOT_FOUND);
    if (result == XD_INVALID) {
        check_refused(&csv, lines);
    }
    xd_csv_close(&csv);
    free(copy);
    free(text);
    free(scratch);
    return 0;
}
