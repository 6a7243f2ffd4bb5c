/* A column is a member, or a member of a group (ships_to, sla) whose columns stand one
 * after the other in the table. A cell becomes JSON of its member's form; whether it makes
 * sense is the hub's to say. */
#include "posix/cli/reference_csv.h"

#include "documents/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum cell { TEXT, FLAG, NUMBER, TEXTS, UOMS, ALIASES };

struct column {
    const char *name, *group; /* group NULL: the entry itself */
    enum cell cell;
};

static const struct column customer_columns[] = {
    {"code", NULL, TEXT},         {"name", NULL, TEXT},     {"active", NULL, FLAG},
    {"credit_limit", NULL, TEXT}, {"currency", NULL, TEXT}, {"aliases", NULL, ALIASES},
    {NULL, NULL, TEXT},
};

static const struct column product_columns[] = {
    {"sku", NULL, TEXT},
    {"description", NULL, TEXT},
    {"base_uom", NULL, TEXT},
    {"active", NULL, FLAG},
    {"lot_tracked", NULL, FLAG},
    {"serial_tracked", NULL, FLAG},
    {"uoms", NULL, UOMS},
    {"price", NULL, TEXT},
    {"currency", NULL, TEXT},
    {"tax_pct", NULL, TEXT},
    {"gtins", NULL, TEXTS},
    {"aliases", NULL, TEXTS},
    {"recalled_lots", NULL, TEXTS},
    {NULL, NULL, TEXT},
};

static const struct column site_columns[] = {
    {"site", NULL, TEXT},
    {"kind", NULL, TEXT},
    {"priority", NULL, NUMBER},
    {"paused", NULL, FLAG},
    {"reserves", NULL, TEXT},
    {"ack_minutes", NULL, NUMBER},
    {"offline_minutes", NULL, NUMBER},
    {"unshipped_means", NULL, TEXT},
    {"zone", NULL, TEXT},
    {"cutoff", NULL, TEXT},
    {"open_days", NULL, TEXTS},
    {"holidays", NULL, TEXTS},
    {"skus", NULL, TEXTS},
    {"countries", "ships_to", TEXTS},
    {"postal_prefixes", "ships_to", TEXTS},
    {NULL, NULL, TEXT},
};

static const struct column carrier_columns[] = {
    {"scac", NULL, TEXT},   {"name", NULL, TEXT}, {"services", NULL, TEXTS},
    {"active", NULL, FLAG}, {NULL, NULL, TEXT},
};

static const struct column channel_columns[] = {
    {"type", NULL, TEXT},
    {"active", NULL, FLAG},
    {"share", NULL, NUMBER},
    {NULL, NULL, TEXT},
};

static const struct column tenant_columns[] = {
    {"tenant", NULL, TEXT},
    {"order_bytes_max", NULL, NUMBER},
    {"order_lines_max", NULL, NUMBER},
    {"share", NULL, NUMBER},
    {"split", NULL, FLAG},
    {"price_tolerance_pct", NULL, TEXT},
    {"over_tolerance_pct", NULL, TEXT},
    {"accepted_within_s", "sla", NUMBER},
    {"released_within_s", "sla", NUMBER},
    {"acknowledged_within_s", "sla", NUMBER},
    {"shipped_within_s", "sla", NUMBER},
    {"shipped_by_calendar", "sla", FLAG},
    {"warn_pct", "sla", NUMBER},
    {NULL, NULL, TEXT},
};

static const struct column *const columns_of[XD_REF_KIND_COUNT] = {
    [XD_REF_CUSTOMER] = customer_columns, [XD_REF_PRODUCT] = product_columns,
    [XD_REF_SITE] = site_columns,         [XD_REF_CARRIER] = carrier_columns,
    [XD_REF_CHANNEL] = channel_columns,   [XD_REF_TENANT] = tenant_columns,
};

static enum xd_result wrong(struct xd_csv *csv, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static enum xd_result wrong(struct xd_csv *csv, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(csv->why, sizeof csv->why, format, arguments);
    va_end(arguments);
    xd_text_make_printable(csv->why);
    return XD_INVALID;
}

/* ---- cells ---- */

struct cell_of {
    struct xd_csv *csv;
    struct xd_writer *writer;
    const char *name;
};

static enum xd_result write_flag(const struct cell_of *cell, const char *text) {
    static const char *const flags[] = {"false", "true", "no", "yes", "0", "1"};
    for (size_t index = 0; index < sizeof flags / sizeof flags[0]; index++) {
        if (strcasecmp(text, flags[index]) == 0) {
            xd_writer_boolean(cell->writer, cell->name, index % 2 == 1);
            return XD_OK;
        }
    }
    return wrong(cell->csv, "\"%s\" is neither true nor false: \"%.40s\"", cell->name, text);
}

static bool is_number(const char *text, size_t size) {
    return size > 0 && size <= 9 && strspn(text, "0123456789") >= size && (text[0] != '0' || size == 1);
}

static enum xd_result write_number(const struct cell_of *cell, const char *text) {
    if (!is_number(text, strlen(text))) {
        return wrong(cell->csv, "\"%s\" is no whole number: \"%.40s\"", cell->name, text);
    }
    xd_writer_name(cell->writer, cell->name);
    xd_buffer_text(cell->writer->out, text);
    return XD_OK;
}

/* The next word of a list, cut off where it stands; NULL: there is none. */
static char *next_word(char **rest) {
    char *word = *rest + strspn(*rest, " ");
    size_t size = strcspn(word, " ");
    if (size == 0) {
        return NULL;
    }
    *rest = word + size + (word[size] == ' ');
    word[size] = '\0';
    return word;
}

static enum xd_result write_uom(const struct cell_of *cell, char *word) {
    char *equals = strchr(word, '=');
    size_t num = equals == NULL ? 0 : strcspn(equals + 1, "/");
    const char *den = num > 0 && equals[1 + num] == '/' ? equals + num + 2 : "1";
    if (equals == NULL || equals == word || !is_number(equals + 1, num) || !is_number(den, strlen(den))) {
        return wrong(cell->csv, "\"%s\" is no factor like CS=12 or M=1/3: \"%.40s\"", cell->name, word);
    }
    *equals = '\0';
    xd_writer_begin(cell->writer, NULL, '{');
    xd_writer_text(cell->writer, "uom", word);
    xd_buffer_format(cell->writer->out, ",\"num\":%.*s,\"den\":%s", (int)num, equals + 1, den);
    xd_writer_end(cell->writer, '}');
    return XD_OK;
}

/* REF, TENANT:REF or TENANT:ACCOUNT:REF; either scope may be empty, a ref holds no colon here. */
static enum xd_result write_alias(const struct cell_of *cell, char *word) {
    char *first = strchr(word, ':');
    char *second = first == NULL ? NULL : strchr(first + 1, ':');
    const char *tenant = first == NULL ? "" : word, *account = second == NULL ? "" : first + 1;
    const char *ref = second != NULL ? second + 1 : first != NULL ? first + 1 : word;
    if (strchr(ref, ':') != NULL || ref[0] == '\0') {
        return wrong(cell->csv, "\"%s\" is no alias like REF, TENANT:REF or TENANT:ACCOUNT:REF: \"%.40s\"",
                     cell->name, word);
    }
    if (first != NULL) {
        *first = '\0';
    }
    if (second != NULL) {
        *second = '\0';
    }
    xd_writer_begin(cell->writer, NULL, '{');
    xd_writer_text(cell->writer, "ref", ref);
    xd_writer_text(cell->writer, "tenant", tenant[0] != '\0' ? tenant : NULL);
    xd_writer_text(cell->writer, "account", account[0] != '\0' ? account : NULL);
    xd_writer_end(cell->writer, '}');
    return XD_OK;
}

static enum xd_result write_text(const struct cell_of *cell, char *word) {
    xd_writer_text(cell->writer, NULL, word);
    return XD_OK;
}

static enum xd_result write_list(const struct cell_of *cell, const char *text,
                                 enum xd_result (*write)(const struct cell_of *cell, char *word)) {
    struct xd_buffer copy;
    xd_buffer_init(&copy, 0);
    xd_buffer_text(&copy, text);
    enum xd_result result = xd_buffer_result(&copy);
    char *rest = (char *)copy.data, *word;
    xd_writer_begin(cell->writer, cell->name, '[');
    while (result == XD_OK && rest != NULL && (word = next_word(&rest)) != NULL) {
        result = write(cell, word);
    }
    xd_writer_end(cell->writer, ']');
    xd_buffer_free(&copy);
    return result;
}

static enum xd_result write_cell(const struct cell_of *cell, enum cell form, const char *text) {
    switch (form) {
    case FLAG:
        return write_flag(cell, text);
    case NUMBER:
        return write_number(cell, text);
    case TEXTS:
        return write_list(cell, text, write_text);
    case UOMS:
        return write_list(cell, text, write_uom);
    case ALIASES:
        return write_list(cell, text, write_alias);
    default:
        xd_writer_text(cell->writer, cell->name, text);
        return XD_OK;
    }
}

/* ---- rows ---- */

enum xd_result xd_reference_csv_open(struct xd_reference_csv *rows, enum xd_reference_kind kind,
                                     struct xd_bytes text) {
    /* The header's names, for the reader: the same for the whole run of a kind. */
    static struct xd_csv_column names[XD_REF_KIND_COUNT][XD_CSV_COLUMNS_MAX + 1];
    for (size_t index = 0; columns_of[kind][index].name != NULL; index++) {
        names[kind][index] = (struct xd_csv_column){columns_of[kind][index].name, index == 0};
    }
    rows->kind = kind;
    return xd_csv_open(&rows->csv, text, names[kind]);
}

static void tell(const struct xd_reference_csv *rows, enum xd_result result) {
    if (result == XD_INVALID && rows->tell != NULL) {
        rows->tell(rows->context, &rows->csv);
    }
}

enum xd_result xd_reference_csv_next(struct xd_reference_csv *rows, struct xd_buffer *out) {
    const struct column *columns = columns_of[rows->kind];
    struct xd_writer writer = {.out = out};
    const char *group = NULL;
    enum xd_result result = xd_csv_next(&rows->csv);
    if (result != XD_OK) {
        tell(rows, result);
        return result;
    }
    xd_writer_begin(&writer, NULL, '{');
    for (size_t index = 0; columns[index].name != NULL; index++) {
        const struct column *column = &columns[index];
        const struct cell_of cell = {&rows->csv, &writer, column->name};
        if (rows->csv.values[index][0] == '\0') {
            continue;
        }
        if (column->group != NULL && group == NULL) {
            group = column->group;
            xd_writer_begin(&writer, group, '{');
        }
        enum xd_result written = write_cell(&cell, column->cell, rows->csv.values[index]);
        tell(rows, written);
        result = result == XD_OK ? written : result;
    }
    if (group != NULL) {
        xd_writer_end(&writer, '}');
    }
    xd_writer_end(&writer, '}');
    return result == XD_OK ? xd_buffer_result(out) : result;
}

const char *xd_reference_csv_column(enum xd_reference_kind kind, const char *pointer) {
    for (const struct column *column = columns_of[kind]; column->name != NULL; column++) {
        char path[64];
        size_t size = (size_t)snprintf(path, sizeof path, "%s%s/%s", column->group != NULL ? "/" : "",
                                       column->group != NULL ? column->group : "", column->name);
        if (strncmp(pointer, path, size) == 0 && (pointer[size] == '\0' || pointer[size] == '/')) {
            return column->name;
        }
    }
    return pointer;
}
