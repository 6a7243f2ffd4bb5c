/* crossdock problems: the registry of codes, as it is built in. */
#include "posix/cli/arguments.h"
#include "posix/cli/table.h"

#include "documents/registry.h"

#define CODES_MAX 512u

static void add_page(struct xd_buffer *out) {
    const struct xd_code *row;
    xd_buffer_text(
        out,
        "# Codes of problems and exceptions\n\n"
        "`make docs` makes this page from the registry that is built into the programs; `crossdock "
        "problems`\n"
        "and `GET /v1/problems` tell the same. A code in lower case stands in an answer of the API, in a\n"
        "receipt or in quarantine; one in capitals is an exception of the workbench. *Again* says whether\n"
        "the very same can work later. *Who* must act before it goes on.\n\n"
        "| code | HTTP | again | who | what it means | what to do |\n|---|---|---|---|---|---|\n");
    for (size_t index = 0; (row = xd_registry_at(index)) != NULL; index++) {
        xd_buffer_format(out, "| `%s` | ", row->code);
        if (row->status != 0) {
            xd_buffer_format(out, "%u ", row->status);
        }
        xd_buffer_format(out, "| %s | %s | %s | %s |\n", row->retryable ? "yes" : "no",
                         xd_actor_names[row->actor], row->meaning, row->remedy);
    }
}

static void add_table(struct xd_cli *cli) {
    static const struct xd_column columns[] = {{"CODE", false}, {"HTTP", true},     {"AGAIN", false},
                                               {"WHO", false},  {"MEANING", false}, {NULL, false}};
    const struct xd_code *row;
    struct xd_table table;
    xd_table_init(&table, columns);
    for (size_t index = 0; (row = xd_registry_at(index)) != NULL; index++) {
        xd_table_text(&table, row->code);
        if (row->status != 0) {
            xd_table_number(&table, (int64_t)row->status);
        } else {
            xd_table_text(&table, NULL);
        }
        xd_table_text(&table, row->retryable ? "yes" : "no");
        xd_table_text(&table, xd_actor_names[row->actor]);
        xd_table_text(&table, row->meaning);
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

static void add_one(struct xd_buffer *out, const struct xd_code *code) {
    xd_buffer_format(out, "%s", code->code);
    if (code->status != 0) {
        xd_buffer_format(out, " (HTTP %u)", code->status);
    }
    xd_buffer_format(out, "\n%s\nWhat to do: %s\nWho must act: %s. %s\n", code->meaning, code->remedy,
                     xd_actor_names[code->actor],
                     code->retryable ? "The same again later can work."
                                     : "The same again will not work before that.");
}

static int unknown_code(const char *text) {
    const char *names[CODES_MAX];
    const struct xd_code *row;
    size_t count = 0;
    while (count < CODES_MAX && (row = xd_registry_at(count)) != NULL) {
        names[count++] = row->code;
    }
    const char *near = xd_arguments_nearest(text, names, count);
    return near != NULL
               ? xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no code %s; did you mean %s?", text, near)
               : xd_cli_fail(XD_EXIT_WRONG_INPUT, "there is no code %s; crossdock problems lists them", text);
}

int xd_cli_problems(struct xd_cli *cli) {
    const struct xd_code *code = xd_registry_find(cli->argument);
    struct xd_buffer json;
    if (cli->argument != NULL && code == NULL) {
        return unknown_code(cli->argument);
    }
    if (cli->json) {
        xd_buffer_init(&json, 0);
        if (code != NULL) {
            xd_registry_write(code, &json);
        } else {
            xd_registry_write_all(&json);
        }
        xd_text_json(&cli->out, xd_buffer_view(&json));
        xd_buffer_free(&json);
    } else if (code != NULL) {
        add_one(&cli->out, code);
    } else if (cli->options[XD_OPTION_MARKDOWN] != NULL) {
        add_page(&cli->out);
    } else {
        add_table(cli);
    }
    return XD_EXIT_FINE;
}
