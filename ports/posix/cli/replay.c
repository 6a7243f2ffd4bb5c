/* replay: what was parked or refused is tried again; one document also as a person says that it should have
 * come. Which documents are left, and why, is told one a line. The same command again is safe. */
#include "base/json.h"
#include "documents/writer.h"
#include "posix/cli/hub.h"
#include "posix/cli/text.h"

#include <stdio.h>
#include <string.h>

static const char again_is_safe[] = "\nIt may have been done. Run the same command again: that is safe.";
static const char hint[] = "\n`crossdock exceptions list` shows them with their ids.";

struct replaying {
    struct xd_cli *cli;
    struct xd_buffer document; /* the edited one; empty: none */
    char cursor[64];
    long long done, left;
};

static void write_request(struct replaying *replaying, struct xd_buffer *body) {
    struct xd_cli *cli = replaying->cli;
    struct xd_writer writer = {.out = body};
    xd_writer_begin(&writer, NULL, '{');
    if (cli->argument != NULL) {
        xd_writer_begin(&writer, "exceptions", '[');
        xd_writer_text(&writer, NULL, cli->argument);
        xd_writer_end(&writer, ']');
    }
    xd_writer_text(&writer, "code", cli->options[XD_OPTION_CODE]);
    xd_writer_text(&writer, "site", cli->options[XD_OPTION_SITE]);
    xd_writer_text(&writer, "order_id", cli->options[XD_OPTION_ORDER]);
    xd_writer_text(&writer, "reason", cli->options[XD_OPTION_REASON]);
    xd_writer_text(&writer, "cursor", replaying->cursor[0] != 0 ? replaying->cursor : NULL);
    if (replaying->document.size > 0) {
        xd_writer_name(&writer, "document");
        xd_buffer_add(body, replaying->document.data, replaying->document.size);
    }
    xd_writer_end(&writer, '}');
}

static void tell_document(struct xd_buffer *out, const cJSON *document) {
    static const char *const members[] = {"exception", "code", "document_id", "detail"};
    const char *between = "left: ";
    for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
        const char *text = xd_json_text(document, members[index]);
        if (text != NULL) {
            xd_buffer_text(out, between);
            xd_text_clean(out, text);
            between = index == 2 ? ": " : " ";
        }
    }
    xd_buffer_byte(out, '\n');
}

static void take_page(struct replaying *replaying, const cJSON *tree) {
    const char *next = xd_json_text(tree, "next_cursor");
    const cJSON *document, *documents = cJSON_GetObjectItemCaseSensitive(tree, "documents");
    cJSON_ArrayForEach(document, documents) {
        if (!replaying->cli->json && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(document, "replayed"))) {
            tell_document(&replaying->cli->out, document);
        }
    }
    replaying->done += xd_text_number(tree, "replayed");
    replaying->left += xd_text_number(tree, "left");
    (void)snprintf(replaying->cursor, sizeof replaying->cursor, "%s", next != NULL ? next : "");
}

static int replay_page(struct replaying *replaying) {
    struct xd_cli_call call = {.method = "POST", .not_found = hint, .unknown = again_is_safe};
    struct xd_buffer body;
    cJSON *tree = NULL;
    xd_buffer_init(&body, 0);
    write_request(replaying, &body);
    if (xd_buffer_result(&body) != XD_OK) {
        xd_buffer_free(&body);
        return xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    call.body = xd_buffer_view(&body);
    xd_cli_path(&call, "/v1/replay");
    int status = xd_cli_call(replaying->cli, &call, &tree);
    if (status == 0) {
        take_page(replaying, tree);
    }
    cJSON_Delete(tree);
    xd_buffer_free(&body);
    return status;
}

int xd_cli_replay(struct xd_cli *cli) {
    struct replaying replaying = {.cli = cli};
    int status = 0;
    xd_buffer_init(&replaying.document, 0);
    if (cli->second != NULL && cli->options[XD_OPTION_REASON] == NULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "whoever edits a document says why: --reason TEXT");
    }
    if (cli->second != NULL) {
        status = xd_cli_read_file(cli->second, XD_JSON_SIZE_MAX, &replaying.document);
    }
    do {
        status = status == 0 ? replay_page(&replaying) : status;
    } while (status == 0 && replaying.cursor[0] != 0);
    if (status == 0 && !cli->json) {
        xd_buffer_format(&cli->out, "%lld queued again, %lld left\n", replaying.done, replaying.left);
    }
    xd_buffer_free(&replaying.document);
    return status == 0 && replaying.left > 0 ? XD_EXIT_FAILED : status;
}
