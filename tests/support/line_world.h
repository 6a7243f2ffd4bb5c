/* A simulated world for the line: a site and a hub, each a struct xd_line over an
 * SQLite store of its own, run by the real turn, with a broker between them that
 * loses, doubles, delays and forgets. One thread, one seed, no clock.
 *
 * A side may have a second process, the ghost: a clone of its store that was
 * started beside it. It takes from the same queue and sends under the same name.
 *
 * Applying a document adds a row to the quarantine table (source "applied"), whose
 * `times` counts how often that was committed, and which goes back in time with
 * its store: so the world's own books never have to guess what a store holds. */
#ifndef XD_TESTS_LINE_WORLD_H
#define XD_TESTS_LINE_WORLD_H

#include "common/turn.h"
#include "delivery/line.h"
#include "site/store.h"
#include "sqlite/database.h"

#include <stdbool.h>

#define WORLD_SIDES 2u
#define WORLD_ENDS 4u /* site, hub, the site's ghost, the hub's ghost */
#define WORLD_DOCUMENTS 6000u
#define WORLD_PATH 160u

/* Chances in thousandths. */
struct world_faults {
    unsigned lost, lost_confirmed, returned, confirm_lost, doubled, delayed;  /* per message */
    unsigned wiped, cut, crash, commit_fails, released_not, restored, cloned; /* per step */
    unsigned undone;                                                          /* per event */
    unsigned append;                                                          /* per step and end */
    unsigned burst;     /* documents at most per append */
    xd_ms retention_ms; /* 0: never trimmed */
};

struct world_message {
    char *body;
    size_t size;
    char signature[XD_SIGNATURE_SIZE];
    xd_ms at;
    uint64_t order;
    bool gone;
};

struct world_queue {
    struct world_message *items;
    size_t count, capacity;
    xd_ms last_at;
};

struct world_confirm {
    xd_ms at;
    uint64_t tag;
    bool taken;
};

/* The numbers of the documents that a store has taken in. */
struct world_books {
    unsigned *items;
    size_t count, capacity;
};

struct world_copy {
    bool there;
    char path[WORLD_PATH];
    struct world_books books;
};

struct world_seen { /* of one stream: the watermark that the store knows must not fall within an epoch */
    char epoch[XD_EPOCH_SIZE];
    uint64_t watermark;
    unsigned restores; /* of the peer: each explains that what we believe of it falls once */
};

struct world;

struct world_end {
    struct world *world;
    unsigned index, side;
    char path[WORLD_PATH];
    bool running, up;
    xd_ms up_at, doomed_at, status_at; /* doomed: the connection that lost a confirm will fall */
    struct xd_database *database;
    struct xd_site_store store;
    struct xd_store_tx tx; /* the store's, with a commit that can be made to fail */
    struct xd_line line;
    struct xd_flight flight;
    struct xd_turn turn;
    struct world_confirm *confirms;
    size_t confirm_count, confirm_capacity;
    struct world_books books;
    struct world_copy copy;
    bool fail_commit, drop_release, released; /* of the batch under way */
    struct world_seen sends[XD_LANES_MAX], receives[XD_LANES_MAX];
};

struct world_counts {
    uint64_t documents, hellos, welcomes, acks; /* published */
};

struct world {
    uint64_t seed, random;
    char folder[WORLD_PATH];
    struct xd_env env;
    struct xd_now now;
    struct world_faults faults;
    struct world_end ends[WORLD_ENDS];
    struct world_queue queues[WORLD_SIDES]; /* towards that side */
    uint64_t order;
    unsigned document_count;
    bool committed[WORLD_DOCUMENTS]; /* at any time, in any store */
    unsigned char side_of[WORLD_DOCUMENTS];
    unsigned restores[WORLD_SIDES]; /* how often a store of that side went back */
    bool unordered;                 /* messages overtake each other, or somebody was cloned */
    struct world_counts counts;
    const char *broken; /* the first thing that was wrong; NULL: nothing */
    char detail[256];
};

uint64_t world_random(struct world *world, uint64_t below); /* 0..below-1; 0 gives 0 */
bool world_chance(struct world *world, unsigned thousandths);

void world_open(struct world *world, uint64_t seed, const char *folder);
void world_close(struct world *world);
/* Notes that something is wrong; the first one stands. */
void world_wrong(struct world *world, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void world_start(struct world_end *end);
void world_stop(struct world_end *end); /* as a kill does: nothing is said to the line */
void world_connect(struct world_end *end);
void world_cut(struct world_end *end);
/* A copy of the closed store is kept; later the store can be replaced by it. */
void world_copy(struct world_end *end);
void world_restore(struct world_end *end);
/* A ghost of end's side starts from a copy of end's store. */
void world_clone(struct world_end *end);
/* end's store becomes that of the ghost, which is no more. */
void world_replace_by_ghost(struct world_end *end);
void world_wipe(struct world *world, unsigned side);

/* One turn of an end with appended documents and the messages that are due. */
void world_turn(struct world_end *end, unsigned appends, size_t messages_max);
/* Confirms that are due, and connections that fall or come back. */
void world_broker(struct world *world);
/* xd_line_check and watermarks, of all that run. */
void world_check(struct world *world);

/* The document numbers in end's outboxes into held[]; how often each was applied at end into applied[]. */
void world_held(struct world_end *end, bool held[WORLD_DOCUMENTS]);
void world_applied(struct world_end *end, unsigned applied[WORLD_DOCUMENTS]);
uint64_t world_backlog(const struct world *world);

#endif
