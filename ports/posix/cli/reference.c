/* The verbs of reference data. A CSV file is read whole, each row as the hub will read it, before it goes to
 * the hub in parts that are stored whole or not at all; what the hub says of an entry beside (names that
 * others have, zones) is told by the file's line, too. */
#include "base/json.h"
#include "posix/cli/arguments.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"
#include "posix/cli/reference_csv.h"
#include "posix/cli/rows.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define PART_ROWS 500u
#define PART_BYTES ((size_t)512 * 1024) /* a part that has so many is full; the hub takes 1 MiB */

/* The kind that the first word names, or XD_REF_KIND_COUNT, and a complaint was told. */
static enum xd_reference_kind kind_of(const struct xd_cli *cli) {
    enum xd_reference_kind kind = xd_reference_kind_of(cli->argument);
    if (kind == XD_REF_KIND_COUNT) {
        const char *near =
            xd_arguments_nearest(cli->argument, xd_reference_kind_names, (size_t)XD_REF_KIND_COUNT);
        (void)xd_cli_fail(XD_EXIT_WRONG_INPUT,
                          "there is no kind of reference data `%s`: customers, products, sites, carriers, "
                          "channels or tenants%s%s%s",
                          cli->argument, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                          near != NULL ? "?" : "");
    }
    return kind;
}

static int check_source(const struct xd_cli *cli) {
    static const char *const names[] = {"api", "csv", "erp"};
    const char *source = cli->options[XD_OPTION_SOURCE];
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        if (source == NULL || strcmp(source, names[index]) == 0) {
            return 0;
        }
    }
    return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--source is api, csv or erp, not `%s`", source);
}

/* ---- list and show ---- */

static const char *words_of(const cJSON *entry) {
    static const char *const members[] = {"name", "description", "kind", "zone"};
    const char *words = NULL;
    for (size_t index = 0; words == NULL && index < sizeof members / sizeof members[0]; index++) {
        words = xd_json_text(entry, members[index]);
    }
    return words;
}

static void write_entries(struct xd_cli *cli, const cJSON *entries) {
    static const struct xd_column columns[] = {{"KEY", false},    {"VERSION", true}, {"SOURCE", false},
                                               {"ACTIVE", false}, {"AGE", true},     {"WHAT", false},
                                               {NULL, false}};
    struct xd_table table;
    const cJSON *item;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(item, entries) {
        const cJSON *entry = cJSON_GetObjectItemCaseSensitive(item, "entry");
        bool off =
            cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(entry, "active")) || xd_text_flag(entry, "paused");
        xd_table_text(&table, xd_json_text(item, "key"));
        xd_table_number(&table, xd_text_number(item, "version"));
        xd_table_text(&table, xd_json_text(item, "source"));
        xd_table_text(&table, off ? "no" : "yes");
        xd_cli_age_since(cli, &table, xd_json_text(item, "at"));
        xd_table_text(&table, words_of(entry));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_reference_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    const char *limit;
    cJSON *tree;
    if (kind_of(cli) == XD_REF_KIND_COUNT) {
        return XD_EXIT_WRONG_INPUT;
    }
    int status = xd_cli_limit(cli, &limit);
    if (status != 0) {
        return status;
    }
    xd_cli_path(&call, "/v1/reference");
    xd_cli_segment(&call, cli->argument);
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "cursor", cli->options[XD_OPTION_CURSOR]);
    status = xd_cli_call(cli, &call, &tree);
    if (status != 0 || cli->json) {
        cJSON_Delete(tree);
        return status;
    }
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(tree, "entries");
    if (cJSON_GetArraySize(entries) == 0) {
        xd_buffer_format(&cli->out, "no %s\n", cli->argument);
    } else {
        write_entries(cli, entries);
        xd_cli_more(cli, tree);
    }
    cJSON_Delete(tree);
    return 0;
}

static void write_head(struct xd_cli *cli, const cJSON *item) {
    static const struct xd_column columns[] = {{"", false}, {"", false}, {NULL, false}};
    struct xd_table table;
    xd_table_init(&table, columns);
    xd_table_text(&table, "version");
    xd_buffer_format(xd_table_cell(&table), "%lld%s", (long long)xd_text_number(item, "version"),
                     xd_text_flag(item, "current") ? ", the current one" : "");
    xd_table_end(&table);
    if (xd_text_number(item, "previous") > 0) {
        xd_table_text(&table, "previous");
        xd_buffer_format(xd_table_cell(&table), "%lld", (long long)xd_text_number(item, "previous"));
        xd_table_end(&table);
    }
    xd_table_text(&table, "source");
    xd_table_text(&table, xd_json_text(item, "source"));
    if (xd_json_text(item, "client") != NULL) {
        xd_table_text(&table, "by");
        xd_table_text(&table, xd_json_text(item, "client"));
    }
    xd_table_text(&table, "at");
    xd_table_time(&table, xd_json_text(item, "at"));
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_reference_show(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET",
                               .not_found = "\n`crossdock reference list KIND` shows what there is."};
    cJSON *tree;
    if (kind_of(cli) == XD_REF_KIND_COUNT) {
        return XD_EXIT_WRONG_INPUT;
    }
    xd_cli_path(&call, "/v1/reference");
    xd_cli_segment(&call, cli->argument);
    xd_cli_rest(&call, cli->second);
    xd_cli_query(&call, "version", cli->options[XD_OPTION_NUMBER]);
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        struct xd_buffer entry;
        xd_buffer_init(&entry, 0);
        write_head(cli, tree);
        xd_json_print(cJSON_GetObjectItemCaseSensitive(tree, "entry"), &entry);
        if (xd_buffer_result(&entry) == XD_OK) {
            xd_text_json(&cli->out, xd_buffer_view(&entry));
        }
        xd_buffer_free(&entry);
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- put ---- */

static int put_document(struct xd_cli *cli, struct xd_bytes body, const char *key, cJSON **tree) {
    struct xd_cli_call call = {.method = key != NULL ? "PUT" : "POST",
                               .body = body,
                               .unknown =
                                   "\nIt may have been taken. Run the same command again: that is safe."};
    xd_cli_path(&call, "/v1/reference");
    xd_cli_segment(&call, cli->argument);
    if (key != NULL) {
        xd_cli_rest(&call, key);
    }
    xd_cli_query(&call, "source", cli->options[XD_OPTION_SOURCE]);
    return xd_cli_call(cli, &call, tree);
}

static void tell_put(struct xd_cli *cli, const cJSON *answer) {
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(answer, "entries");
    if (entries != NULL) {
        xd_buffer_format(&cli->out, "%d %s, %lld changed\n", cJSON_GetArraySize(entries), cli->argument,
                         (long long)xd_text_number(answer, "changed"));
        return;
    }
    const char *key = xd_json_text(answer, "key");
    xd_text_clean(&cli->out, key != NULL ? key : "-");
    xd_buffer_format(&cli->out, " version %lld%s\n", (long long)xd_text_number(answer, "version"),
                     xd_text_flag(answer, "changed") ? "" : ", unchanged");
}

static bool not_enrolled(const cJSON *done) {
    return cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(done, "enrolled"));
}

static void warn_of_sites(const cJSON *answer) {
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(answer, "entries"), *entry;
    cJSON_ArrayForEach(entry, entries) {
        warn_of_sites(entry);
    }
    if (not_enrolled(answer)) {
        (void)xd_cli_fail(0, "warning: there is no site %s (yet); `crossdock sites add` adds one",
                          xd_json_text(answer, "key"));
    }
}

/* The key that the document names; "" and a complaint, or NULL: it holds many. */
static int key_of(const struct xd_cli *cli, enum xd_reference_kind kind, const cJSON *tree,
                  const char **key) {
    *key = NULL;
    if (cJSON_GetObjectItemCaseSensitive(tree, "entries") != NULL) {
        return 0;
    }
    const char *member = xd_reference_key_member(kind);
    *key = xd_json_text(tree, member);
    return *key != NULL && (*key)[0] != 0
               ? 0
               : xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s: an entry of %s has its key in \"%s\"", cli->second,
                             cli->argument, member);
}

int xd_cli_reference_put(struct xd_cli *cli) {
    enum xd_reference_kind kind = kind_of(cli);
    struct xd_json_error error;
    struct xd_buffer file;
    cJSON *document = NULL, *answer = NULL;
    const char *key = NULL;
    int status = kind == XD_REF_KIND_COUNT ? XD_EXIT_WRONG_INPUT : check_source(cli);
    xd_buffer_init(&file, 0);
    if (status == 0) {
        status = xd_cli_read_file(cli->second, XD_JSON_SIZE_MAX, &file);
    }
    if (status == 0 && xd_json_parse(xd_buffer_view(&file), XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, &document,
                                     &error) != XD_OK) {
        status = xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s:%u:%u: %s", cli->second, error.line, error.column,
                             error.detail);
    }
    if (status == 0) {
        status = key_of(cli, kind, document, &key);
    }
    if (status == 0) {
        status = put_document(cli, xd_buffer_view(&file), key, &answer);
    }
    if (status == 0 && !cli->json) {
        tell_put(cli, answer);
    }
    if (status == 0) {
        warn_of_sites(answer);
    }
    cJSON_Delete(answer);
    cJSON_Delete(document);
    xd_buffer_free(&file);
    return status;
}

/* ---- load ---- */

struct load {
    struct xd_cli *cli;
    struct xd_reference_csv rows;
    struct xd_buffer body;     /* of the part */
    unsigned lines[PART_ROWS]; /* of its entries */
    size_t count;
    int64_t stored, changed;
};

/* "/entries/3/gtins/0" as "products.csv:5: gtins". */
static void tell_line(const void *context, const char *pointer, struct xd_buffer *out) {
    const struct load *load = context;
    const char *rest;
    size_t index;
    if (!xd_cli_entry_of(pointer, load->count, &index, &rest)) {
        xd_buffer_text(out, pointer);
        return;
    }
    xd_buffer_format(out, "%s:%u", load->cli->second, load->lines[index]);
    if (rest[0] != 0) {
        xd_buffer_format(out, ": %s", xd_reference_csv_column(load->rows.kind, rest));
    }
}

static int not_enough_memory(void) {
    return xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
}

static int send_part(struct load *load) {
    struct xd_cli *cli = load->cli;
    cJSON *answer = NULL;
    bool json = cli->json;
    if (load->count == 0) {
        return 0;
    }
    xd_buffer_text(&load->body, "]}");
    if (xd_buffer_result(&load->body) != XD_OK) {
        return not_enough_memory();
    }
    cli->tell_place = tell_line;
    cli->place_context = load;
    cli->json = false; /* one answer for the file, not one for each part */
    int status = put_document(cli, xd_buffer_view(&load->body), NULL, &answer);
    cli->json = json;
    cli->tell_place = NULL;
    if (status == 0) {
        load->stored += (int64_t)load->count;
        load->changed += xd_text_number(answer, "changed");
        warn_of_sites(answer);
        load->count = 0;
        xd_buffer_clear(&load->body);
    } else if (load->stored > 0) {
        (void)xd_cli_fail(status,
                          "%s: the %lld rows before line %u were stored; run the same command again "
                          "when the rest is right",
                          cli->second, (long long)load->stored, load->lines[0]);
    }
    cJSON_Delete(answer);
    return status;
}

static void tell_wrong(void *context, const struct xd_csv *csv) {
    xd_cli_wrong_add(context, csv->line, "%s", csv->why);
}

/* What the hub would say of a row alone; cells that are wrong by themselves were told and are not in it. */
static enum xd_result check_entry(const struct xd_reference_csv *rows, struct xd_bytes row,
                                  struct xd_cli_wrong *wrong) {
    static struct xd_problems problems;
    struct xd_document document = {.tree = NULL};
    struct xd_reference_entry entry;
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(row, &document, &problems);
    if (result == XD_OK) {
        result = xd_reference_read(&document, document.tree, rows->kind, &entry, &problems);
    }
    for (size_t index = 0; index < problems.count; index++) {
        const struct xd_problem *problem = &problems.items[index];
        xd_cli_wrong_add(wrong, rows->csv.line, "%s: %s (%s)",
                         xd_reference_csv_column(rows->kind, problem->pointer), problem->detail,
                         problem->code);
    }
    wrong->count += problems.dropped;
    xd_document_free(&document);
    return result;
}

/* The whole file is read once before its first part is sent: what can be told without the hub is told
 * before anything is stored, of all rows at once. */
static int check_rows(const struct load *load, struct xd_bytes text) {
    struct xd_cli_wrong wrong = {.name = load->cli->second};
    struct xd_reference_csv rows = {.tell = tell_wrong, .context = &wrong};
    struct xd_buffer row;
    xd_buffer_init(&row, 0);
    enum xd_result result = xd_reference_csv_open(&rows, load->rows.kind, text);
    if (result == XD_INVALID) {
        tell_wrong(&wrong, &rows.csv);
    }
    while (result == XD_OK || (result == XD_INVALID && rows.csv.readable)) {
        xd_buffer_clear(&row);
        result = xd_reference_csv_next(&rows, &row);
        if (xd_buffer_view(&row).size > 0 && (result == XD_OK || result == XD_INVALID) &&
            check_entry(&rows, xd_buffer_view(&row), &wrong) == XD_NO_MEMORY) {
            result = XD_NO_MEMORY;
        }
    }
    xd_csv_close(&rows.csv);
    xd_buffer_free(&row);
    int status = xd_cli_wrong_end(&wrong);
    return status != 0 || result == XD_NOT_FOUND ? status : not_enough_memory();
}

static int send_rows(struct load *load, struct xd_bytes text) {
    int status = 0;
    enum xd_result result = xd_reference_csv_open(&load->rows, load->rows.kind, text);
    while (status == 0 && result == XD_OK) {
        xd_buffer_text(&load->body, load->count == 0 ? "{\"entries\":[" : ",");
        size_t size = load->body.size;
        result = xd_reference_csv_next(&load->rows, &load->body);
        if (result == XD_OK) {
            load->lines[load->count++] = load->rows.csv.line;
        } else {
            load->body.size = size - (load->count == 0 ? 0 : 1); /* without the comma */
        }
        if (load->count == PART_ROWS || load->body.size > PART_BYTES) {
            status = send_part(load);
        }
    }
    if (status == 0 && result != XD_NOT_FOUND) {
        return not_enough_memory(); /* what else can be wrong was told by check_rows */
    }
    return status == 0 ? send_part(load) : status;
}

int xd_cli_reference_load(struct xd_cli *cli) {
    static struct load load;
    struct xd_buffer file;
    load.cli = cli;
    load.rows.kind = kind_of(cli);
    int status = load.rows.kind == XD_REF_KIND_COUNT ? XD_EXIT_WRONG_INPUT : check_source(cli);
    if (cli->options[XD_OPTION_SOURCE] == NULL) {
        cli->options[XD_OPTION_SOURCE] = "csv";
    }
    xd_buffer_init(&file, 0);
    xd_buffer_init(&load.body, 0);
    if (status == 0) {
        status = xd_cli_read_file(cli->second, FILE_MAX, &file);
    }
    if (status == 0) {
        status = check_rows(&load, xd_buffer_view(&file));
    }
    if (status == 0) {
        status = send_rows(&load, xd_buffer_view(&file));
        xd_csv_close(&load.rows.csv);
    }
    if (status == 0) {
        xd_buffer_format(&cli->out,
                         cli->json ? "{\n  \"entries\": %lld,\n  \"changed\": %lld\n}\n"
                                   : "%lld rows, %lld changed\n",
                         (long long)load.stored, (long long)load.changed);
    }
    xd_buffer_free(&load.body);
    xd_buffer_free(&file);
    return status;
}
