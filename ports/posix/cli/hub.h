/* Calls to the hub's API: address and token by options or environment, problems
 * told to people. */
#ifndef XD_POSIX_CLI_HUB_H
#define XD_POSIX_CLI_HUB_H

#include "posix/cli/cli.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>

struct xd_cli_call {
    const char *method;    /* NULL: GET */
    struct xd_buffer path; /* "/v1/orders?status=HELD"; freed by the call */
    const char *key;       /* Idempotency-Key, without quotes; NULL: none */
    const char *if_match;  /* with quotes; NULL: none */
    struct xd_bytes body;
    unsigned timeout_ms;   /* 0: 30 s */
    bool secret;           /* the answer is not printed, also with --json */
    const char *not_found; /* what to say behind a 404; NULL: nothing */
    const char *unknown;   /* what to say when nobody knows whether it was carried out */
};

/* Starts call->path; the others append to it, percent-encoded. A value of NULL appends nothing. */
void xd_cli_path(struct xd_cli_call *call, const char *path);
void xd_cli_segment(struct xd_cli_call *call, const char *segment);
void xd_cli_rest(struct xd_cli_call *call, const char *rest); /* the last one, which may have slashes */
void xd_cli_query(struct xd_cli_call *call, const char *name, const char *value);

/* Checks address and token without calling: 0, or the exit status and a complaint was told. */
int xd_cli_check_hub(const struct xd_cli *cli);

/* 0: *tree is the answer's JSON (cJSON_Delete), and with --json it is in cli->out.
 * Otherwise the exit status; what is wrong was told. */
int xd_cli_call(struct xd_cli *cli, struct xd_cli_call *call, cJSON **tree);
/* Tells the warnings of an answer about an order on standard error. */
void xd_cli_warn(const cJSON *answer);

/* GET call->path, whose answer does not end: take gets its parts as they come, until it says false or stop is
 * set. last_event_id NULL: none. 0, or the exit status; what is wrong was told, but for XD_EXIT_AGAIN: the
 * hub went away, or there was none; the same can be tried again. */
#define XD_EXIT_AGAIN (-1)
int xd_cli_stream(struct xd_cli *cli, struct xd_cli_call *call, const char *last_event_id,
                  bool (*take)(void *context, struct xd_bytes part), void *context, const atomic_bool *stop);

/* Tells a problem+json answer (or whatever came instead). Returns XD_EXIT_FAILED. */
int xd_cli_problem(struct xd_cli *cli, unsigned status, struct xd_bytes body, const char *hint);

/* The file at path ("-": standard input), at most size_max bytes. 0 or the exit status. */
int xd_cli_read_file(const char *path, size_t size_max, struct xd_buffer *out);

#endif
