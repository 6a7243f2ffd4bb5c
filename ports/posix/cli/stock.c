/* The verbs of stock. A file is read and checked whole before the hub hears of it, and all that is wrong is
 * told at once; then it goes in lists of a bounded size. Each list says what is on hand, so that the same
 * command again, after one that ended half-way, is safe. */
#include "base/csv.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/json.h"
#include "base/memory.h"
#include "documents/schema.h"
#include "posix/cli/arguments.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"
#include "posix/cli/rows.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define LIST_ENTRIES 1000u /* as many as the hub takes at a time */

/* ---- list ---- */

static void write_stock(struct xd_cli *cli, const cJSON *stock) {
    static const struct xd_column columns[] = {{"SITE", false},      {"SKU", false},     {"AVAILABLE", true},
                                               {"ON HAND", true},    {"RESERVED", true}, {"SOURCE", false},
                                               {"LISTED AT", false}, {NULL, false}};
    static const char *const members[] = {"site", "sku", "available", "on_hand", "reserved", "source"};
    struct xd_table table;
    const cJSON *row;
    if (cJSON_GetArraySize(stock) == 0) {
        xd_buffer_text(&cli->out, "no stock is known; crossdock stock load FILE.csv tells the hub\n");
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(row, stock) {
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            xd_table_text(&table, xd_json_text(row, members[index]));
        }
        xd_table_time(&table, xd_json_text(row, "listed_at"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_stock_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    const char *limit;
    cJSON *tree = NULL;
    int status = xd_cli_limit(cli, &limit);
    if (status != 0) {
        return status;
    }
    xd_cli_path(&call, "/v1/stock");
    xd_cli_query(&call, "site", cli->options[XD_OPTION_SITE]);
    xd_cli_query(&call, "sku", cli->options[XD_OPTION_SKU]);
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "cursor", cli->options[XD_OPTION_CURSOR]);
    status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        write_stock(cli, cJSON_GetObjectItemCaseSensitive(tree, "stock"));
        xd_cli_more(cli, tree);
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- load ---- */

enum { COLUMN_SITE, COLUMN_SKU, COLUMN_QTY };
static const struct xd_csv_column columns[] = {{"site", true}, {"sku", true}, {"qty", true}, {NULL, false}};

struct loading {
    struct xd_cli *cli;
    struct xd_cli_wrong wrong;
    struct xd_csv csv;
    struct xd_buffer body;
    unsigned entries;             /* in body */
    unsigned lines[LIST_ENTRIES]; /* ... of the file */
    long long taken;              /* by the hub so far */
    struct key *keys;             /* of the file's lines, while it is checked; owned */
    size_t key_count, key_capacity;
    struct xd_buffer key_texts;
    long long unknown;            /* SKUs that are no product's */
    struct xd_buffer unknown_few; /* ... and a few of them */
};

/* What a line speaks of, to find two that speak of the same. */
struct key {
    size_t at; /* in key_texts */
    unsigned line;
    unsigned before; /* the line that speaks of the same; 0: none */
};

static int not_enough_memory(void) {
    return xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
}

static void complain(struct loading *loading, const char *what) {
    xd_cli_wrong_add(&loading->wrong, loading->csv.line, "%s", what);
}

static const char *text_of(const struct key *key, const void *texts) {
    return (const char *)texts + key->at;
}

static int compare_keys(const void *a, const void *b, void *texts) {
    const struct key *left = a, *right = b;
    int order = strcmp(text_of(left, texts), text_of(right, texts));
    return order != 0 ? order : left->line < right->line ? -1 : 1;
}

static int keep_key(struct loading *loading) {
    const char *const *values = loading->csv.values;
    struct key *keys = xd_grow(loading->keys, loading->key_count, &loading->key_capacity, sizeof *keys);
    if (keys == NULL) {
        return not_enough_memory();
    }
    loading->keys = keys;
    keys[loading->key_count++] = (struct key){xd_buffer_view(&loading->key_texts).size, loading->csv.line, 0};
    xd_buffer_format(&loading->key_texts, "%s/%s", values[COLUMN_SITE], values[COLUMN_SKU]);
    xd_buffer_byte(&loading->key_texts, 0);
    return 0;
}

static int compare_lines(const void *a, const void *b) {
    const struct key *left = a, *right = b;
    return left->line < right->line ? -1 : 1;
}

/* Of a site and SKU that stand there twice nobody knows which quantity counts. */
static int check_twice(struct loading *loading) {
    void *texts = loading->key_texts.data;
    if (xd_buffer_result(&loading->key_texts) != XD_OK) {
        return not_enough_memory();
    }
    if (loading->key_count < 2) {
        return 0;
    }
    qsort_r(loading->keys, loading->key_count, sizeof *loading->keys, compare_keys, texts);
    for (size_t index = 1; index < loading->key_count; index++) {
        struct key *key = &loading->keys[index];
        bool again = strcmp(text_of(key, texts), text_of(&key[-1], texts)) == 0;
        key->before = again ? key[-1].line : 0;
    }
    qsort(loading->keys, loading->key_count, sizeof *loading->keys, compare_lines);
    for (size_t index = 0; index < loading->key_count; index++) {
        const struct key *key = &loading->keys[index];
        if (key->before != 0) {
            xd_cli_wrong_add(&loading->wrong, key->line, "the same site and sku as in line %u", key->before);
        }
    }
    return 0;
}

/* What the hub says of SKUs that it does not know, of all lists together. */
static void note_unknown(struct loading *loading, const cJSON *answer) {
    const cJSON *unknown = cJSON_GetObjectItemCaseSensitive(answer, "unknown"), *sku;
    if (unknown == NULL) {
        return;
    }
    cJSON_ArrayForEach(sku, cJSON_GetObjectItemCaseSensitive(unknown, "skus")) {
        if (loading->unknown == 0 && cJSON_IsString(sku)) {
            xd_buffer_format(&loading->unknown_few, " %.64s", sku->valuestring);
        }
    }
    loading->unknown += (long long)xd_text_number(unknown, "count");
}

/* "/entries/3/site" as "stock.csv:5: site". */
static void tell_line(const void *context, const char *pointer, struct xd_buffer *out) {
    const struct loading *loading = context;
    const char *rest;
    size_t index;
    if (!xd_cli_entry_of(pointer, loading->entries, &index, &rest)) {
        xd_buffer_text(out, pointer);
        return;
    }
    xd_buffer_format(out, "%s:%u%s%s", loading->wrong.name, loading->lines[index], rest[0] != 0 ? ": " : "",
                     rest[0] != 0 ? rest + 1 : "");
}

static int send_list(struct loading *loading) {
    struct xd_cli_call call = {.method = "PUT",
                               .unknown = "\nThe list may have been taken. Run the same command again: that "
                                          "is safe."};
    cJSON *tree = NULL;
    if (loading->entries == 0) {
        return 0;
    }
    xd_buffer_text(&loading->body, "]}");
    call.body = xd_buffer_view(&loading->body);
    if (xd_buffer_result(&loading->body) != XD_OK) {
        return not_enough_memory();
    }
    xd_cli_path(&call, "/v1/stock");
    xd_buffer_clear(&loading->cli->out); /* with --json the last answer is printed */
    loading->cli->tell_place = tell_line;
    loading->cli->place_context = loading;
    int status = xd_cli_call(loading->cli, &call, &tree);
    loading->cli->tell_place = NULL;
    note_unknown(loading, tree);
    cJSON_Delete(tree);
    loading->taken += status == 0 ? loading->entries : 0;
    loading->entries = 0;
    return status;
}

static int check_entry(struct loading *loading) {
    const char *const *values = loading->csv.values;
    struct xd_decimal qty;
    bool site = xd_site_name_valid(values[COLUMN_SITE]), sku = xd_schema_is_id(values[COLUMN_SKU]);
    if (!site) {
        complain(loading, "site is no name of a site (1 to 32 of A-Z 0-9 _ -)");
    }
    if (!sku) {
        complain(loading, "sku is no SKU (1 to 64 printable characters without blanks)");
    }
    if (xd_decimal_parse(values[COLUMN_QTY], &qty) != XD_OK) {
        complain(loading, "qty is no decimal number such as 12 or 0.5");
    } else if (xd_decimal_sign(qty) < 0) {
        complain(loading, "qty is negative; a site has nothing or more");
    }
    return site && sku ? keep_key(loading) : 0;
}

/* What was checked. */
static int add_entry(struct loading *loading) {
    const char *const *values = loading->csv.values;
    xd_buffer_text(&loading->body, loading->entries == 0 ? "{\"source\":\"csv\",\"entries\":[" : ",");
    xd_buffer_format(&loading->body, "{\"site\":\"%s\",\"sku\":", values[COLUMN_SITE]);
    xd_buffer_json(&loading->body, values[COLUMN_SKU]);
    xd_buffer_format(&loading->body, ",\"qty\":\"%s\"}", values[COLUMN_QTY]);
    loading->lines[loading->entries] = loading->csv.line;
    if (++loading->entries < LIST_ENTRIES) {
        return 0;
    }
    int status = send_list(loading);
    xd_buffer_clear(&loading->body);
    return status;
}

/* Tells all that is wrong with the file, whose rows can be read as long as it is known where they end. */
static int check_file(struct loading *loading, struct xd_bytes text) {
    enum xd_result result = xd_csv_open(&loading->csv, text, columns);
    int status = 0;
    if (result == XD_INVALID) {
        complain(loading, loading->csv.why);
    }
    while (status == 0 && (result == XD_OK || (result == XD_INVALID && loading->csv.readable))) {
        result = xd_csv_next(&loading->csv);
        if (result == XD_INVALID) {
            complain(loading, loading->csv.why);
        }
        status = result == XD_OK ? check_entry(loading) : 0;
    }
    xd_csv_close(&loading->csv);
    if (status == 0) {
        status = check_twice(loading);
    }
    int wrong = xd_cli_wrong_end(&loading->wrong);
    if (status == 0 && wrong == 0 && result != XD_NOT_FOUND) {
        status = not_enough_memory();
    }
    return status == 0 ? wrong : status;
}

/* Of a file that was checked. */
static int send_file(struct loading *loading, struct xd_bytes text) {
    int status = 0;
    xd_buffer_init(&loading->body, 0);
    enum xd_result result = xd_csv_open(&loading->csv, text, columns);
    while (result == XD_OK && status == 0) {
        result = xd_csv_next(&loading->csv);
        status = result == XD_OK ? add_entry(loading) : 0;
    }
    if (status == 0) {
        status = result == XD_NOT_FOUND ? send_list(loading) : not_enough_memory();
    }
    xd_csv_close(&loading->csv);
    xd_buffer_free(&loading->body);
    return status;
}

int xd_cli_stock_load(struct xd_cli *cli) {
    struct loading loading = {
        .cli = cli, .wrong.name = strcmp(cli->argument, "-") == 0 ? "standard input" : cli->argument};
    struct xd_buffer file;
    xd_buffer_init(&file, FILE_MAX);
    xd_buffer_init(&loading.key_texts, 0);
    xd_buffer_init(&loading.unknown_few, 0);
    int status = xd_cli_read_file(cli->argument, FILE_MAX, &file);
    if (status == 0) {
        status = check_file(&loading, xd_buffer_view(&file));
    }
    xd_free(loading.keys);
    xd_buffer_free(&loading.key_texts);
    if (status == 0) {
        status = send_file(&loading, xd_buffer_view(&file));
    }
    xd_buffer_free(&file);
    if (loading.unknown > 0) {
        (void)xd_cli_fail(0, "warning: %lld of the SKUs are no product's:%s%s", loading.unknown,
                          xd_buffer_string(&loading.unknown_few), loading.unknown > 5 ? " ..." : "");
    }
    xd_buffer_free(&loading.unknown_few);
    if (status == 0 && !cli->json) {
        xd_buffer_clear(&cli->out);
        xd_buffer_format(&cli->out, "%lld quantit%s taken\n", loading.taken,
                         loading.taken == 1 ? "y" : "ies");
    }
    return status;
}
