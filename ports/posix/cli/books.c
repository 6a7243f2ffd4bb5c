/* reconcile --erp, --run, --approve, --accept: the hub's books against the ERP's. */
#include "base/json.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ASK_EVERY_NS (500L * 1000 * 1000)
#define TELL_AFTER 6u      /* so often it was asked in vain */
#define APPROVED_MAX 10000 /* by one --approve all */

static const char hint[] = "\n`crossdock reconcile --erp NAME` shows the differences with their ids.";
static const char again_is_safe[] = "\nIt may have been done. Run the same command again: that is safe.";

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name) {
    const char *text = xd_json_text(object, name);
    return text != NULL ? text : "";
}

/* ---- runs ---- */

/* tree: the answer, whose `runs` are those that were queued; free it. */
static int begin_runs(struct xd_cli *cli, cJSON **tree) {
    struct xd_cli_call call = {.method = "POST", .secret = true, .unknown = again_is_safe};
    const char *erp = cli->options[XD_OPTION_ERP];
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_buffer_text(&body, erp != NULL ? "{\"erp\":" : "{");
    if (erp != NULL) {
        xd_buffer_json(&body, erp);
    }
    xd_buffer_byte(&body, '}');
    call.body = xd_buffer_view(&body);
    xd_cli_path(&call, "/v1/reconciliation");
    int status = xd_cli_call(cli, &call, tree);
    xd_buffer_free(&body);
    return status;
}

static void tell_run(struct xd_cli *cli, const cJSON *run) {
    const char *detail = xd_json_text(run, "detail");
    xd_text_clean(&cli->out, text_of(run, "erp"));
    xd_buffer_format(&cli->out,
                     " compared: %lld sales, %lld shipments, %lld invoices, %lld places with stock\n",
                     (long long)xd_text_number(run, "sales"), (long long)xd_text_number(run, "shipments"),
                     (long long)xd_text_number(run, "invoices"), (long long)xd_text_number(run, "stock"));
    if (detail != NULL) {
        xd_text_clean(&cli->out, detail);
        xd_buffer_byte(&cli->out, '\n');
    }
}

/* On standard error, as it may take long and the answer is on standard output. */
static void tell_waiting(const cJSON *run) {
    struct xd_buffer line;
    xd_buffer_init(&line, 0);
    xd_text_clean(&line, text_of(run, "erp"));
    xd_buffer_text(&line, ": the run ");
    xd_text_clean(&line, text_of(run, "id"));
    xd_buffer_text(&line, " is ");
    xd_text_clean(&line, text_of(run, "state"));
    xd_buffer_text(&line, "; waiting\n");
    (void)fwrite(line.data, 1, line.size, stderr);
    xd_buffer_free(&line);
}

/* Until it has ended, however long that takes: who does not want to wait interrupts. */
static int wait_for_run(struct xd_cli *cli, const char *id) {
    for (unsigned asked = 0;; asked++) {
        struct xd_cli_call call = {.method = "GET", .secret = true};
        cJSON *tree;
        xd_cli_path(&call, "/v1/reconciliation/runs");
        xd_cli_segment(&call, id);
        int status = xd_cli_call(cli, &call, &tree);
        if (status != 0) {
            return status;
        }
        const char *state = text_of(tree, "state");
        bool done = strcmp(state, "DONE") == 0, failed = state[0] == 0 || strcmp(state, "FAILED") == 0;
        if (done && !cli->json) {
            tell_run(cli, tree);
        } else if (failed) {
            const char *detail = xd_json_text(tree, "detail");
            status = xd_cli_fail(XD_EXIT_FAILED, "the books of %s could not be compared: %s",
                                 text_of(tree, "erp"), detail != NULL ? detail : "the hub does not say why");
        } else if (!done && asked == TELL_AFTER) {
            tell_waiting(tree);
        }
        cJSON_Delete(tree);
        if (done || failed) {
            return status;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = ASK_EVERY_NS}, NULL);
    }
}

/* *failed: some could not be carried through; the others were. */
static int run_all(struct xd_cli *cli, bool *failed) {
    cJSON *tree;
    const cJSON *run;
    int status = begin_runs(cli, &tree);
    if (status != 0) {
        return status;
    }
    cJSON_ArrayForEach(run, member(tree, "runs")) {
        *failed = wait_for_run(cli, text_of(run, "id")) != 0 || *failed;
    }
    cJSON_Delete(tree);
    return 0;
}

/* ---- the list ---- */

static void write_document(struct xd_table *table, const cJSON *difference) {
    const char *ours = xd_json_text(difference, "hub_document"), *sku = xd_json_text(difference, "sku");
    const char *line = xd_json_text(difference, "line_id"), *site = xd_json_text(difference, "site");
    struct xd_buffer *cell = xd_table_cell(table);
    xd_text_clean(cell, ours != NULL ? ours : sku != NULL && site != NULL ? site : "-");
    if (ours != NULL && line != NULL) {
        xd_buffer_text(cell, " line ");
        xd_text_clean(cell, line);
    } else if (ours == NULL && sku != NULL) {
        xd_buffer_byte(cell, ' ');
        xd_text_clean(cell, sku);
    }
    xd_table_end(table);
}

static void write_differences(struct xd_cli *cli, const cJSON *differences) {
    static const struct xd_column columns[] = {{"ID", false},     {"OF", false},     {"KIND", false},
                                               {"STATE", false},  {"OURS", false},   {"ERP", false},
                                               {"HUB", false},    {"IN ERP", false}, {"SINCE", true},
                                               {"REPAIR", false}, {NULL, false}};
    struct xd_table table;
    const cJSON *difference;
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(difference, differences) {
        xd_table_text(&table, xd_json_text(difference, "id"));
        xd_table_text(&table, xd_json_text(difference, "erp"));
        xd_table_text(&table, xd_json_text(difference, "kind"));
        xd_table_text(&table, xd_json_text(difference, "state"));
        write_document(&table, difference);
        xd_table_text(&table, xd_json_text(difference, "erp_document"));
        xd_table_text(&table, xd_json_text(difference, "hub_value"));
        xd_table_text(&table, xd_json_text(difference, "erp_value"));
        xd_cli_age_since(cli, &table, xd_json_text(difference, "first_seen"));
        xd_table_text(&table, xd_json_text(difference, "repair"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

static int ask_differences(struct xd_cli *cli, const char *limit, const char *cursor, bool secret,
                           cJSON **tree) {
    struct xd_cli_call call = {.method = "GET", .secret = secret};
    xd_cli_path(&call, "/v1/reconciliation/differences");
    xd_cli_query(&call, "erp", cli->options[XD_OPTION_ERP]);
    xd_cli_query(&call, "state", cli->options[XD_OPTION_ALL] != NULL ? "all" : NULL);
    xd_cli_query(&call, "limit", limit);
    xd_cli_query(&call, "cursor", cursor);
    return xd_cli_call(cli, &call, tree);
}

static bool is_open(const cJSON *difference) {
    const char *state = xd_json_text(difference, "state");
    return state != NULL && (strcmp(state, "OPEN") == 0 || strcmp(state, "APPROVED") == 0);
}

static int show_differences(struct xd_cli *cli) {
    const char *limit;
    cJSON *tree;
    int status = xd_cli_limit(cli, &limit);
    if (status == 0) {
        status = ask_differences(cli, limit, cli->options[XD_OPTION_CURSOR], false, &tree);
    }
    if (status != 0) {
        return status;
    }
    const cJSON *differences = member(tree, "differences"), *difference;
    cJSON_ArrayForEach(difference, differences) {
        status = is_open(difference) ? XD_EXIT_DIFFERENCE : status;
    }
    if (!cli->json && cJSON_GetArraySize(differences) > 0) {
        write_differences(cli, differences);
        xd_cli_more(cli, tree);
    } else if (!cli->json) {
        xd_buffer_text(&cli->out, "no differences\n");
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- decisions ---- */

static int decide(struct xd_cli *cli, const char *id, const char *decision) {
    struct xd_cli_call call = {.method = "POST", .secret = true, .not_found = hint, .unknown = again_is_safe};
    cJSON *tree;
    xd_cli_path(&call, "/v1/reconciliation/differences");
    xd_cli_segment(&call, id);
    xd_cli_segment(&call, decision);
    int status = xd_cli_call(cli, &call, &tree);
    cJSON_Delete(tree);
    if (status == 0 && !cli->json) {
        xd_text_clean(&cli->out, id);
        xd_buffer_text(&cli->out, strcmp(decision, "approve") == 0 ? " approved\n" : " accepted\n");
    }
    return status;
}

static bool repairable(const cJSON *difference) {
    const char *state = xd_json_text(difference, "state"), *repair = xd_json_text(difference, "repair");
    return state != NULL && strcmp(state, "OPEN") == 0 && repair != NULL && strcmp(repair, "NONE") != 0 &&
           strcmp(repair, "ADJUST_STOCK") != 0;
}

/* One that cannot be repaired any more is told, and the others go on. */
static int approve_all(struct xd_cli *cli) {
    char cursor[64] = "";
    int status = 0, failed = 0;
    for (int approved = 0; status == 0 && approved < APPROVED_MAX;) {
        cJSON *tree;
        const cJSON *difference;
        status = ask_differences(cli, "200", cursor[0] != 0 ? cursor : NULL, true, &tree);
        if (status != 0) {
            break;
        }
        cJSON_ArrayForEach(difference, member(tree, "differences")) {
            if (repairable(difference)) {
                int done = decide(cli, xd_json_text(difference, "id"), "approve");
                failed = done != 0 ? done : failed;
                approved++;
            }
        }
        const char *next = xd_json_text(tree, "next_cursor");
        (void)snprintf(cursor, sizeof cursor, "%s", next != NULL ? next : "");
        cJSON_Delete(tree);
        if (cursor[0] == 0) {
            break;
        }
    }
    return status != 0 ? status : failed;
}

bool xd_cli_wants_books(const struct xd_cli *cli) {
    return cli->options[XD_OPTION_ERP] != NULL || cli->options[XD_OPTION_RUN] != NULL ||
           cli->options[XD_OPTION_APPROVE] != NULL || cli->options[XD_OPTION_ACCEPT] != NULL;
}

int xd_cli_books(struct xd_cli *cli) {
    const char *approve = cli->options[XD_OPTION_APPROVE], *accept = cli->options[XD_OPTION_ACCEPT];
    bool failed = false;
    int status = 0;
    if (cli->options[XD_OPTION_SITE] != NULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--site is of the sites' books, not of the ERP's");
    }
    if (cli->options[XD_OPTION_RUN] != NULL) {
        status = run_all(cli, &failed);
    }
    if (status == 0 && approve != NULL) {
        status = strcmp(approve, "all") == 0 ? approve_all(cli) : decide(cli, approve, "approve");
    }
    if (status == 0 && accept != NULL) {
        status = decide(cli, accept, "accept");
    }
    status = status == 0 ? show_differences(cli) : status;
    return failed ? XD_EXIT_FAILED : status;
}
