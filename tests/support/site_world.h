/* A site over a SQLite store, run by the real turn, with a WMS and a hub played by
 * the test: what the site lets out after a commit is kept as text to look at. */
#ifndef XD_TESTS_SITE_WORLD_H
#define XD_TESTS_SITE_WORLD_H

#include "common/turn.h"
#include "documents/link.h"
#include "site/site.h"
#include "sqlite/database.h"

#define SITE_WORLD_KEPT 2048u

struct site_said {
    enum xd_effect_kind kind;
    char *topic;     /* WMS_PUBLISH: topic; LINE_PUBLISH: the event's type */
    char *body;      /* zero-terminated */
    uint64_t tag;    /* LINE_PUBLISH, LINE_ACK, ... */
    unsigned status; /* TICKET */
    bool flag;
    void *handle;
};

struct site_world {
    char folder[64], path[96];
    uint64_t random;
    struct xd_env env;
    struct xd_database *database;
    struct xd_site_store store;
    struct xd_site_config config;
    struct xd_site site;
    struct xd_turn turn;
    struct xd_store_tx tx;
    struct xd_now now;
    bool fail_commit, refuse_next; /* the next batch; the next event, each time it was decided */
    size_t room;                   /* of the publisher */
    struct site_said said[SITE_WORLD_KEPT];
    size_t said_count;
    /* The hub's stream as the test sends it. */
    char epoch[XD_EPOCH_SIZE];
    uint64_t sequence;
    struct xd_hash chain;
};

void site_world_open(struct site_world *world);
void site_world_close(struct site_world *world);
void site_world_reopen(struct site_world *world); /* as after a kill */

/* Each runs one turn (and its tick) with one event; what was said before is forgotten. */
void site_world_wms(struct site_world *world, const char *tail, const char *payload);
void site_world_topic(struct site_world *world, const char *topic, const char *payload,
                      const char *response_topic, void *ticket);
void site_world_body(struct site_world *world, const char *body, const char *signature); /* NULL: signs it */
/* The next document of lane of the hub's stream. */
void site_world_hub(struct site_world *world, const char *type, const char *lane, const char *data);
void site_world_link(struct site_world *world, const char *type, const struct xd_link *link);
/* The hub's hello (its stream's epoch, next) and its welcome to the site's last hello. */
void site_world_hello(struct site_world *world, uint64_t next);
void site_world_welcome(struct site_world *world);
/* Time passes and the tick comes every 100 ms; says is what was said in all of it. */
void site_world_wait(struct site_world *world, xd_ms ms);

/* The nth (from 0) that was said on that topic or of that type; NULL: none. */
const struct site_said *site_world_find(const struct site_world *world, const char *topic, size_t nth);
size_t site_world_count(const struct site_world *world, const char *topic);
/* Fails the test unless the first one there has that text in its body. */
void site_world_expect(const struct site_world *world, const char *topic, const char *text);

#endif
