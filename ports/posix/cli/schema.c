/* crossdock schema diff: two files are compared, no hub is asked. */
#include "posix/cli/hub.h"
#include "posix/cli/table.h"

#include "base/memory.h"
#include "documents/schema_diff.h"
#include "documents/writer.h"

#define SCHEMA_MAX ((size_t)4 * 1024 * 1024)
#define SCHEMA_DEPTH_MAX 64u

static int read_schema(const char *path, cJSON **out) {
    struct xd_buffer text;
    struct xd_json_error error;
    *out = NULL;
    xd_buffer_init(&text, 0);
    int status = xd_cli_read_file(path, SCHEMA_MAX, &text);
    if (status == 0 &&
        xd_json_parse(xd_buffer_view(&text), SCHEMA_MAX, SCHEMA_DEPTH_MAX, out, &error) != XD_OK) {
        status =
            xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s:%u:%u: %s", path, error.line, error.column, error.detail);
    }
    xd_buffer_free(&text);
    return status;
}

static void add_json(struct xd_cli *cli, const struct xd_schema_changes *changes) {
    struct xd_buffer json;
    xd_buffer_init(&json, 0);
    struct xd_writer writer = {.out = &json};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_integer(&writer, "breaking", (int64_t)changes->breaking);
    xd_writer_begin(&writer, "changes", '[');
    for (size_t index = 0; index < changes->count; index++) {
        const struct xd_schema_change *change = &changes->items[index];
        xd_writer_begin(&writer, NULL, '{');
        xd_writer_text(&writer, "place", change->place);
        xd_writer_text(&writer, "change", change->what);
        xd_writer_boolean(&writer, "breaking", change->breaking);
        xd_writer_text(&writer, "detail", change->detail);
        xd_writer_end(&writer, '}');
    }
    xd_writer_end(&writer, ']');
    xd_writer_integer(&writer, "more", (int64_t)changes->dropped);
    xd_writer_end(&writer, '}');
    xd_text_json(&cli->out, xd_buffer_view(&json));
    xd_buffer_free(&json);
}

static void add_table(struct xd_cli *cli, const struct xd_schema_changes *changes) {
    static const struct xd_column columns[] = {
        {"BREAKS", false}, {"PLACE", false}, {"CHANGE", false}, {"DETAIL", false}, {NULL, false}};
    struct xd_table table;
    if (changes->count == 0) {
        xd_buffer_text(&cli->out, "no changes\n");
        return;
    }
    xd_table_init(&table, columns);
    for (size_t index = 0; index < changes->count; index++) {
        const struct xd_schema_change *change = &changes->items[index];
        xd_table_text(&table, change->breaking ? "yes" : "no");
        xd_table_text(&table, change->place[0] != 0 ? change->place : "/");
        xd_table_text(&table, change->what);
        xd_table_text(&table, change->detail);
    }
    xd_table_write(&table, &cli->out, cli->colour);
    if (changes->dropped > 0) {
        xd_buffer_format(&cli->out, "and %zu more\n", changes->dropped);
    }
}

int xd_cli_schema_diff(struct xd_cli *cli) {
    struct xd_schema_changes *changes = xd_alloc(sizeof *changes);
    cJSON *before = NULL, *after = NULL;
    if (changes == NULL) {
        return xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    int status = read_schema(cli->argument, &before);
    if (status == 0) {
        status = read_schema(cli->second, &after);
    }
    if (status == 0 && xd_schema_diff(before, after, changes) != XD_OK) {
        status = xd_cli_fail(XD_EXIT_WRONG_INPUT, "a JSON Schema is an object: compare two of them");
    }
    if (status == 0) {
        if (cli->json) {
            add_json(cli, changes);
        } else {
            add_table(cli, changes);
        }
        status = changes->breaking > 0 ? XD_EXIT_FAILED : XD_EXIT_FINE;
    }
    cJSON_Delete(before);
    cJSON_Delete(after);
    xd_free(changes);
    return status;
}
