/* The verbs of sites.
 *
 * The hub tells a site's password and key once, in the answer that makes the site.
 * So the file that shall hold them is made, with room in it, before the hub is
 * asked; and should writing it fail all the same, its text goes to standard output
 * rather than nowhere. */
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"
#include "posix/cli/hub.h"
#include "posix/cli/lists.h"
#include "posix/cli/secret_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ADD_MS                                                                                               \
    120000u /* the hub answers when the broker has the site, too: an answer lost is a site lost              \
             */

/* ---- list ---- */

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool in_conflict(const cJSON *site) {
    const cJSON *stream;
    cJSON_ArrayForEach(stream, member(site, "streams")) {
        if (member(stream, "conflict") != NULL) {
            return true;
        }
    }
    return false;
}

static int64_t waits_for_site(const cJSON *site) {
    const cJSON *stream;
    int64_t sum = 0;
    cJSON_ArrayForEach(stream, member(site, "streams")) {
        sum += xd_text_number(stream, "backlog");
    }
    return sum;
}

/* What the site told of itself; dashes while it never did. */
static void add_told(struct xd_table *table, const cJSON *told) {
    if (told == NULL) {
        for (int cell = 0; cell < 7; cell++) {
            xd_table_text(table, NULL);
        }
        return;
    }
    int64_t oldest = xd_text_number(told, "oldest_unsent_ms");
    xd_table_number(table, xd_text_number(told, "backlog_work") + xd_text_number(told, "backlog_bulk"));
    if (oldest > 0) {
        xd_table_age(table, oldest);
    } else {
        xd_table_text(table, NULL);
    }
    xd_table_number(table, xd_text_number(told, "releases_unanswered"));
    xd_table_number(table, xd_text_number(told, "quarantined"));
    xd_table_text(table, xd_text_flag(told, "wms_connected") ? "up" : "down");
    xd_table_size(table, xd_text_number(told, "disk_free_bytes"));
    xd_table_text(table, xd_json_text(told, "version"));
}

void xd_cli_write_sites(struct xd_cli *cli, const cJSON *sites) {
    static const struct xd_column columns[] = {
        {"SITE", false},      {"KIND", false},       {"LINE", false},     {"LAST SEEN", true},
        {"TO SITE", true},    {"FROM SITE", true},   {"OLDEST", true},    {"UNANSWERED", true},
        {"QUARANTINE", true}, {"WMS BROKER", false}, {"DISK FREE", true}, {"AGENT", false},
        {NULL, false}};
    struct xd_table table;
    const cJSON *site;
    if (cJSON_GetArraySize(sites) == 0) {
        xd_buffer_text(&cli->out, "no sites yet; crossdock sites add SITE makes one\n");
        return;
    }
    xd_table_init(&table, columns);
    cJSON_ArrayForEach(site, sites) {
        bool seen = member(site, "last_seen") != NULL;
        xd_table_text(&table, xd_json_text(site, "site"));
        xd_table_text(&table, xd_json_text(site, "kind"));
        xd_table_text(&table, in_conflict(site)              ? "conflict"
                              : xd_text_flag(site, "online") ? "online"
                                                             : "offline");
        if (seen) {
            xd_table_age(&table, xd_text_number(site, "last_seen_age_ms"));
        } else {
            xd_table_text(&table, "never");
        }
        xd_table_number(&table, waits_for_site(site));
        add_told(&table, member(site, "status"));
    }
    xd_table_write(&table, &cli->out, cli->colour);
}

int xd_cli_sites_list(struct xd_cli *cli) {
    struct xd_cli_call call = {.method = "GET"};
    cJSON *tree;
    xd_cli_path(&call, "/v1/sites");
    int status = xd_cli_call(cli, &call, &tree);
    if (status == 0 && !cli->json) {
        xd_cli_write_sites(cli, member(tree, "sites"));
    }
    cJSON_Delete(tree);
    return status;
}

/* ---- add ---- */

/* YAML's double quotes take what JSON's take. */
static void add_key(struct xd_buffer *text, const char *indent, const char *name, const char *value) {
    xd_buffer_format(text, "%s%s: ", indent, name);
    xd_buffer_json(text, value);
    xd_buffer_byte(text, '\n');
}

static bool write_enrolment(const cJSON *tree, struct xd_buffer *text) {
    const cJSON *uplink = member(tree, "uplink"), *signing = member(tree, "signing");
    static const char *const uplink_names[] = {"url", "vhost", "username", "password"};
    static const char *const signing_names[] = {"kid", "key"};
    const char *site = xd_json_text(tree, "site");
    bool complete = site != NULL;
    xd_buffer_format(text, "# The enrolment of %s: for its agent only, mode 0600. It cannot be had again.\n",
                     site != NULL ? site : "");
    add_key(text, "", "site", site);
    xd_buffer_text(text, "uplink:\n");
    for (size_t index = 0; index < sizeof uplink_names / sizeof uplink_names[0]; index++) {
        complete = complete && xd_json_text(uplink, uplink_names[index]) != NULL;
        add_key(text, "  ", uplink_names[index], xd_json_text(uplink, uplink_names[index]));
    }
    xd_buffer_text(text, "signing:\n");
    for (size_t index = 0; index < sizeof signing_names / sizeof signing_names[0]; index++) {
        complete = complete && xd_json_text(signing, signing_names[index]) != NULL;
        add_key(text, "  ", signing_names[index], xd_json_text(signing, signing_names[index]));
    }
    return complete && xd_buffer_result(text) == XD_OK;
}

static void tell_site(struct xd_cli *cli, cJSON *tree, const struct xd_secret_file *enrolment) {
    if (!cli->json) {
        xd_buffer_format(&cli->out, "%s is made. Its enrolment is in ", cli->argument);
        xd_text_clean(&cli->out, enrolment->path);
        xd_buffer_text(&cli->out, ": bring it to the site's agent (enrolment_file).\n");
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, "uplink"), "password");
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, "signing"), "key");
    char *json =
        cJSON_AddStringToObject(tree, "file", enrolment->path) != NULL ? cJSON_PrintUnformatted(tree) : NULL;
    if (json == NULL) {
        cli->out.result = XD_NO_MEMORY;
    } else {
        xd_text_json(&cli->out, xd_bytes_of_text(json));
    }
    cJSON_free(json);
}

static int keep_site(struct xd_cli *cli, cJSON *tree, struct xd_secret_file *enrolment) {
    struct xd_buffer text;
    int status = 0;
    xd_buffer_init(&text, 0);
    if (!write_enrolment(tree, &text)) {
        status = xd_cli_fail(XD_EXIT_FAILED,
                             "the hub's answer to `sites add` is not complete; what came is printed");
        xd_buffer_text(&cli->out, xd_buffer_string(&text));
    } else if (!xd_secret_keep(enrolment, &text)) {
        status = xd_cli_fail(
            XD_EXIT_FAILED,
            "%s cannot be written (%s); it is printed instead, for it cannot be had again: keep it",
            enrolment->path, strerror(errno));
        xd_buffer_text(&cli->out, xd_buffer_string(&text));
    } else {
        tell_site(cli, tree, enrolment);
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.size);
    }
    xd_buffer_free(&text);
    return status;
}

static int check_site(const struct xd_cli *cli, const char *kind) {
    if (!xd_site_name_valid(cli->argument)) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "a site's name is 1 to 32 of A-Z 0-9 _ -, not `%s`",
                           cli->argument);
    }
    if (strcmp(kind, "warehouse") != 0 && strcmp(kind, "3pl") != 0) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "--kind is warehouse or 3pl, not `%s`", kind);
    }
    return 0;
}

int xd_cli_sites_add(struct xd_cli *cli) {
    struct xd_secret_file enrolment = {.file = -1};
    struct xd_buffer body;
    cJSON *tree = NULL;
    const char *kind = cli->options[XD_OPTION_KIND] != NULL ? cli->options[XD_OPTION_KIND] : "warehouse";
    int status = check_site(cli, kind);
    if (status == 0) {
        status = xd_cli_check_hub(cli);
    }
    if (status == 0) {
        status = xd_secret_open(cli, cli->argument, ".enrol", &enrolment);
    }
    xd_buffer_init(&body, 0);
    xd_buffer_format(&body, "{\"site\":\"%s\",\"kind\":\"%s\"}", cli->argument, kind);
    if (status == 0) {
        struct xd_cli_call call = {.method = "POST",
                                   .body = xd_buffer_view(&body),
                                   .secret = true,
                                   .timeout_ms = ADD_MS,
                                   .unknown = "\nThe site may have been made without its enrolment being "
                                              "told; crossdock sites list shows it."};
        xd_cli_path(&call, "/v1/sites");
        status = xd_cli_call(cli, &call, &tree);
    }
    if (status == 0) {
        status = keep_site(cli, tree, &enrolment);
    }
    xd_secret_drop(&enrolment);
    xd_buffer_free(&body);
    cJSON_Delete(tree);
    return status;
}
