/* A simulated world: one hub, sites with a WMS each, RabbitMQ and the lines to it,
 * sales channels, an ERP, and all that goes wrong between them. The hub and the sites are
 * the real core, driven by the real turn over the real SQLite store, whose files are on
 * simulated disks; the rest is made up here.
 *
 *   channels --orders--> [hub] <--queue-- broker <--line-- [site] <--WMS
 *                          |  --queue-->        --line-->
 *                          +--calls--> ERP
 *
 * One thread, one seed: all chance comes from the seed's streams, all time from the
 * agenda. What happens is told to the trace, whose hash says whether two runs were the
 * same. The oracle (oracle.c) reads what went into the two programs and what came out,
 * never what is in them. */
#ifndef XD_SIMULATOR_SIM_H
#define XD_SIMULATOR_SIM_H

#include "common/again.h"
#include "common/turn.h"
#include "hub/hub.h"
#include "simulator/agenda.h"
#include "simulator/chance.h"
#include "simulator/cut.h"
#include "simulator/disk.h"
#include "simulator/faults.h"
#include "simulator/names.h"
#include "simulator/script.h"
#include "site/site.h"
#include "sqlite/database.h"

#include <signal.h>

#define XD_SIM_INTERRUPTED "interrupted"
#define XD_SIM_SITES_MAX 6u
#define XD_SIM_LINES_MAX 3u
#define XD_SIM_START_WALL ((xd_ms)1795428000000) /* 2026-11-23 */
#define XD_SIM_TEXT 96
#define XD_SIM_KEPT_MS (12 * XD_HOUR_MS) /* what is covered; longer than any old copy is old (trouble.c) */
#define XD_SIM_LANES 3u                  /* work, bulk, notice */
#define XD_SIM_STREAM 128                /* a stream's name */

/* ---- what a run is ---- */

struct xd_sim_options {
    uint64_t seed;
    unsigned sites;           /* 0: drawn */
    xd_ms horizon;            /* of the part in which things fail; 0: drawn */
    unsigned documents_a_day; /* of one site, about; 0: drawn */
    bool class_off[XD_FAULTS_CLASSES];
    bool often[XD_FAULT_COUNT]; /* more of it than any seed draws, even when all else is calm */
    unsigned kinds;             /* of faults that there are, the first ones; 0: all */
    xd_ms patience;             /* until all must be at rest after the heal; 0: as ever */
    bool calm;                  /* nothing fails */
    bool story;                 /* tell each step on standard output */
    bool timing;                /* measure where the host's time goes */
    unsigned mutant;
    enum xd_sim_script script; /* instead of what the seed draws */
    struct xd_sim_cut cuts[XD_SIM_CUTS_MAX];
    size_t cut_count;
    /* Not 0: the world ends at once, with XD_SIM_INTERRUPTED for a violation; NULL: it never does. */
    const volatile sig_atomic_t *stop;
    struct xd_buffer *outcome; /* NULL: not wanted; else what came of it is added, a line each */
};

struct xd_sim_figures {
    uint64_t steps, turns, messages, documents, orders, crashes;
    uint64_t looks; /* at what a power failure would leave (power.c) */
    uint64_t wishes, wishes_taken, releases, splits, backorders, changes; /* see xd_sim_judge_orders */
    uint64_t faults[XD_FAULT_COUNT];
    xd_ms simulated, heal_ms;
    unsigned sites, documents_a_day; /* as given or drawn */
    xd_ms horizon;
    uint64_t trace;
    double hub_seconds, site_seconds;                 /* of the host's time, in turns; with options.timing */
    uint64_t points[XD_SIM_CUT_NODES][XD_SIM_POINTS]; /* in the window, after the last cut */
    bool cut_missed;                                  /* there is no such point as that of one of the cuts */
    char violation[400];                              /* "" none */
};

/* Makes of it a small world in which some kinds of faults, drawn by its seed, come together and often. */
void xd_sim_combine(struct xd_sim_options *options);

/* Runs one world to its end. Figures are filled; violation says what did not hold. */
void xd_sim_run(const struct xd_sim_options *options, struct xd_sim_figures *figures);

/* The same, and once more with wrong clocks: that must come to the same end (outcome.c). All is calm but for
 * what comes often, which SHOULD be no fault that hits whatever is under way. The figures are the second
 * run's. */
void xd_sim_run_twice(const struct xd_sim_options *options, struct xd_sim_figures *figures);

/* ---- the broker ---- */

struct xd_sim_message {
    struct xd_sim_message *next;
    uint64_t tag;
    xd_ms ready_at;
    bool delivered; /* and not answered yet */
    char exchange[64], user[64], signature[XD_SIGNATURE_SIZE];
    char *body;
    size_t size;
};

struct xd_sim_queue {
    struct xd_sim_message *first, *last;
    struct xd_sim_node *consumer; /* the single active one; NULL: who listens next */
    size_t count, unanswered, most;
    uint64_t dead;
};

/* ---- the two programs ---- */

enum xd_sim_mail_kind {
    XD_SIM_MAIL_WMS, /* text on topic */
    XD_SIM_MAIL_ORDER,
    XD_SIM_MAIL_CANCEL,  /* of the order `id` */
    XD_SIM_MAIL_REVISE,  /* of the order `id`; topic: If-Match */
    XD_SIM_MAIL_STOCK,   /* a list */
    XD_SIM_MAIL_PROFILE, /* of the site `topic` */
    XD_SIM_MAIL_RESOLVE, /* of the exception `id` */
    XD_SIM_MAIL_COMPARE, /* the books */
    XD_SIM_MAIL_SITE_ADD,
    XD_SIM_MAIL_ERP,
    XD_SIM_MAIL_LINE_UP,
    XD_SIM_MAIL_LINE_DOWN,
    XD_SIM_MAIL_WMS_UP,
    XD_SIM_MAIL_WMS_DOWN,
    XD_SIM_MAIL_CONFIRM,
    XD_SIM_MAIL_MESSAGE /* of the queue; made at each turn */
};

struct xd_sim_mail {
    struct xd_sim_mail *next;
    enum xd_sim_mail_kind kind;
    xd_ms ready_at;
    char topic[XD_TOPIC_SIZE];
    char id[XD_ID_SIZE];
    char *text;      /* owned */
    uint64_t number; /* attempt; confirm's tag */
    bool taken;      /* confirm */
    struct xd_sim_call *call;
    struct xd_sim_message *message;
};

struct xd_sim;
struct xd_sim_site;

/* One machine with one program on it. */
struct xd_sim_node {
    struct xd_sim *sim;
    const char *name;
    unsigned number; /* 0: the hub */
    bool clone;      /* its site's second machine */
    struct xd_disk *disk;
    struct xd_database *database;
    struct xd_turn turn;
    struct xd_env env;
    struct xd_chance entropy;
    struct xd_sim_queue *queue; /* that it consumes from; a site's machines share it */
    struct xd_sim_mail *mail, *mail_last;
    size_t mail_count;
    bool running, linked;    /* linked: the program believes its line to be up */
    bool full;               /* its disk has no room */
    struct xd_again restart; /* of its consumer: something was not taken */
    bool cache_stays;        /* when the program ends, until its power fails */
    bool paused;             /* its machine stands still, until somebody lets it go on */
    bool dead;               /* its power was cut (cut.h), and what it does is not heard */
    enum xd_disk_loss loss;
    uint64_t loss_random;
    xd_ms hung_until, deaf_until; /* deaf: its consumer is being made anew */
    xd_ms turn_at;                /* the turn that counts; others on the agenda are stale */
    xd_ms rest;                   /* until the next turn when nothing comes */
    xd_ms wall_offset, frozen_at; /* frozen_at: 0 not */
    int64_t drift_ppm;
    uint64_t lives;         /* how often it was started */
    uint64_t fail_alloc_at; /* the allocation of the next turn that fails; 0: none */
    /* the line to the broker */
    bool open_up, open_down;
    xd_ms latency;
    struct xd_disk_image *copy; /* an old one */
    xd_ms copied_at;
};

/* ---- the WMS ---- */

enum xd_sim_document_state {
    XD_SIM_WAITING,
    XD_SIM_ACCEPTED,
    XD_SIM_REFUSED,
    XD_SIM_WITHDRAWN /* never sent: what it was to ship was cancelled */
};

/* What a WMS sends, until it has its receipt. */
struct xd_sim_document {
    enum xd_kind kind;
    enum xd_sim_document_state state;
    unsigned site;
    char id[XD_SIM_TEXT];
    char *text;               /* owned */
    char release[40];         /* of a confirmation; "" none */
    const char *short_status; /* of a confirmation's lines of which less ships than is to ship; NULL: none */
    uint64_t version;
    size_t first;   /* of a confirmation: its first version; of a VOID: that of what it takes back */
    bool voids;     /* it is a VOID */
    bool partial;   /* it says nothing of the lines that it does not list */
    bool unmatched; /* it names a line that nobody released */
    bool defies;    /* it ships what was given up */
    unsigned tries;
    xd_ms accepted_at;
    bool odd;                       /* what becomes of it is a person's to decide: parked */
    bool parked;                    /* said `settled` */
    bool settled;                   /* its sender was told what became of it */
    bool disputed;                  /* another content was sent under its id */
    uint64_t accepted_by, held_by;  /* bit by machine: receipts that say `accepted`, that do not refuse it */
    unsigned line_count;            /* of which something ships */
    unsigned qty[XD_SIM_LINES_MAX]; /* shipped, by the line's number */
    unsigned seen;                  /* how often it is in the ERP */
    int stands;                     /* ... less what was undone of it */
    /* Of a first version, found by the oracle: of all its versions. */
    size_t latest; /* that was accepted; UINT32_MAX: none */
    bool taken_back, excused;
    int all_stand;
};

#define XD_SIM_SHIPMENTS_MAX 2u

/* A release as its WMS knows it; lines by their number in the order. */
struct xd_sim_release {
    char id[40];
    size_t order;
    unsigned site;
    xd_ms taken_at;    /* by the WMS */
    uint64_t revision; /* the highest that it has seen */
    bool rejected;
    char sku[XD_SIM_LINES_MAX][24];
    unsigned qty[XD_SIM_LINES_MAX];     /* to be shipped in all, as it has agreed */
    unsigned kept[XD_SIM_LINES_MAX];    /* of that, what it was asked to give up and did not */
    unsigned closed[XD_SIM_LINES_MAX];  /* beyond that, what it gave up having said that it does not come */
    unsigned shipped[XD_SIM_LINES_MAX]; /* found by the oracle */
    size_t shipments[XD_SIM_SHIPMENTS_MAX]; /* that count: as corrected, or anew */
    unsigned more[XD_SIM_LINES_MAX];        /* shipped than was said first, by corrections */
    size_t redone;                          /* the last document that corrected or took back; 0: none */
    unsigned shipment_count;
};

/* One machine of a site, and (the first one's) what its WMS knows. */
struct xd_sim_site {
    struct xd_sim_node node;
    char name_text[XD_SITE_SIZE], machine_text[XD_SITE_SIZE + 4];
    unsigned machine;  /* 0: the first one; clones are numbered as they come */
    bool there;        /* of a clone: it runs, or is started again */
    xd_ms born, until; /* ... since; is to be switched off then, if nothing is left on it */
    uint32_t turns;    /* per million and minute: broker, or WMS, turns to the other machine */
    unsigned clones;   /* made so far */
    bool with_clone;   /* the WMS speaks to the clone */
    bool garbled;      /* at some time */
    bool damaged;      /* and its last good copy has not been brought back since */
    bool rewound;      /* the hub said that it has no more what the site missed */
    struct xd_key key;
    struct xd_site_store store;
    struct xd_site site;
    bool wms_up;
    xd_ms cycle;   /* its WMS begins to say things each time that so much has gone by; 0: at once */
    bool reserves; /* its WMS says when it has reserved */
    bool awaited;  /* what it does not answer in time goes elsewhere */
    char live_up[XD_SIM_LANES][XD_EPOCH_SIZE],
        live_down[XD_SIM_LANES][XD_EPOCH_SIZE]; /* as heard on the line */
    struct xd_names releases;                   /* that the WMS has seen: their numbers in the world */
    uint64_t made;                              /* documents */
    xd_ms amnesia_from, amnesia_to;             /* what it took between, it may have forgotten; to 0: never */
    bool corrupt_told;
};

/* ---- channels ---- */

struct xd_sim_order {
    char number[24];
    char key[40];
    unsigned site;
    char *text; /* owned */
    unsigned line_count;
    unsigned qty[XD_SIM_LINES_MAX];
    bool born;         /* typed into the ERP: no channel knows of it */
    bool bad, changed; /* changed: of another order's number with another content */
    size_t of;         /* changed, repeated: the first */
    unsigned tries;
    bool answered;
    unsigned status;
    xd_ms answered_at;
    unsigned sales; /* in the ERP */
    unsigned shipped[XD_SIM_LINES_MAX];
    uint64_t waiting; /* the attempt that an answer counts for */
    /* what its channel wants of it later (wishes.c) */
    char policy[XD_SIM_TEXT]; /* members of its text */
    bool may_end_short;       /* the policy lets the hub cancel what it cannot place */
    char id[XD_ID_SIZE];      /* the hub's; "" not known yet */
    char revision[24];        /* the last that its channel saw */
    bool wished;              /* something was asked for, whatever was answered */
    bool redone;              /* a WMS said otherwise afterwards */
    unsigned lines_ever;
    unsigned stated[XD_SIM_LINES_MAX];  /* as it was sent, or last revised */
    unsigned want[XD_SIM_LINES_MAX];    /* to be shipped in all, by what was answered last */
    unsigned ordered[XD_SIM_LINES_MAX]; /* as the hub said last */
    struct xd_sim_account *account;     /* owned; the oracle's */
};

enum xd_sim_wish_kind { XD_SIM_CANCEL, XD_SIM_CANCEL_LINES, XD_SIM_REVISE };

/* What a channel wants of an order that it has sent; one at a time of each order. */
struct xd_sim_wish {
    enum xd_sim_wish_kind kind;
    size_t order;
    unsigned qty[XD_SIM_LINES_MAX]; /* of each line: cancelled in all; as it is revised */
    char *text;                     /* owned */
    unsigned tries;
    bool answered, outdated; /* outdated: the order must be read again */
    unsigned status;
    xd_ms answered_at;
};

/* What an operator, or a job of theirs, puts into the hub: a list of stock, a site's profile, what is to be
 * done about an exception. */
struct xd_sim_errand {
    enum xd_sim_mail_kind kind;
    unsigned site;
    char id[XD_ID_SIZE]; /* of the exception */
    char *text;          /* owned */
    bool answered;
};

/* ---- the ERP ---- */

struct xd_sim_call {
    struct xd_sim_call *next;
    struct xd_erp_call *call;
    uint64_t hub_life; /* an answer for an earlier one is nobody's */
    struct xd_erp_answer answer;
    bool landed, answered, lands;
};

/* The ERP's own books: what took effect. */
struct xd_sim_effect {
    enum xd_erp_kind kind;
    char reference[XD_SIM_TEXT]; /* what does not fit is cut off, and is nobody's reference */
    char sale_reference[XD_SIM_TEXT];
    char reverses[XD_SIM_TEXT];
    char site[XD_SITE_SIZE];
    unsigned line_count;
    char line_id[XD_SIM_LINES_MAX][8];
    int64_t qty[XD_SIM_LINES_MAX]; /* whole units */
    bool close[XD_SIM_LINES_MAX];
};

/* A document that it lists (erp_books.c). */
struct xd_sim_sold {
    char line_id[8];
    int64_t qty, shipped, invoiced; /* whole units */
    int closed;                     /* shipments that say that no more of it comes */
};
struct xd_sim_entry {
    enum xd_erp_list what;
    size_t effect; /* a sale, a shipment; of an invoice what it bills */
    size_t last;   /* where it stands in the log for the last time */
    unsigned line_count;
    struct xd_sim_sold lines[XD_SIM_LINES_MAX]; /* of a sale */
};
struct xd_sim_books {
    struct xd_sim_entry *entries;
    size_t count, capacity;
    size_t *log; /* which entry changed, one after the other */
    size_t log_count, log_capacity;
    struct xd_names sales; /* by our reference */
    size_t unbilled;
    xd_ms changed_at, asked_at;
};

/* What is not in its books yet (erp_steps.c). */
struct xd_sim_draft {
    struct xd_sim_effect as; /* as it was begun */
    unsigned steps;          /* taken so far */
    bool gone;               /* it took effect, or was deleted */
};

/* ---- the world ---- */

enum xd_sim_purpose { /* of a stream of chance; faults have their own behind */
                      XD_SIM_CHANCE_PLAN,
                      XD_SIM_CHANCE_WORK,
                      XD_SIM_CHANCE_ENTROPY,
                      XD_SIM_CHANCE_FAULTS,
                      XD_SIM_CHANCE_TRADE = 500,
                      XD_SIM_CHANCE_LOOKS,
                      XD_SIM_CHANCE_COMBINE
};

/* Whom an answer of the hub's API is for: bits of the attempt that its handle names. */
enum xd_sim_asker { XD_SIM_ASKS_ORDER, XD_SIM_ASKS_WISH, XD_SIM_ASKS_ERRAND };
#define XD_SIM_ASKER_SHIFT 22
#define XD_SIM_NUMBER_MASK ((UINT64_C(1) << XD_SIM_ASKER_SHIFT) - 1)
#define XD_SIM_ATTEMPT_SHIFT 24

struct xd_sim {
    struct xd_sim_options options;
    struct xd_sim_figures *figures;
    xd_ms now, heal_at;
    bool healing, adding_sites, trades; /* trades: more is done to orders than to ship them */
    struct xd_agenda agenda;
    struct xd_chance work, looks;
    struct xd_chance chance[XD_FAULT_COUNT];
    uint32_t rate[XD_FAULT_COUNT]; /* per million, or thousandths a day; 0: never */
    uint64_t trace;
    xd_ms order_gap; /* between two orders, about */
    struct xd_sim_cuts cuts;
    /* the broker */
    bool broker_up, broker_blocked, unbound;
    uint64_t tags;
    struct xd_sim_message *recorded[16]; /* copies, for replays */
    size_t recorded_count;
    /* the hub */
    struct xd_sim_node hub_node;
    struct xd_hub_store hub_store;
    struct xd_hub hub;
    xd_ms hub_amnesia_from, hub_amnesia_to;
    /* the rest */
    struct xd_sim_site sites[XD_SIM_SITES_MAX], clones[XD_SIM_SITES_MAX]; /* a site's second machine */
    struct xd_sim_queue queues[XD_SIM_SITES_MAX + 1];                     /* the first is the hub's */
    unsigned site_count;
    struct xd_sim_document *documents;
    size_t document_count, document_capacity;
    struct xd_names document_names; /* "site/id" */
    struct xd_sim_order *orders;
    size_t order_count, order_capacity;
    struct xd_names order_names; /* the first of each number */
    uint64_t attempts;
    uint64_t heard; /* receipts and settled notices, by all WMSs */
    struct xd_sim_wish *wishes;
    size_t wish_count, wish_capacity;
    struct xd_sim_books books;
    struct xd_sim_errand *errands;
    size_t errand_count, errand_capacity;
    struct xd_sim_release *releases; /* at all WMSs */
    size_t release_count, release_capacity;
    size_t rested; /* orders up to this one are known to be at rest */
    struct xd_sim_call *calls;
    xd_ms erp_down_until;
    struct xd_sim_effect *effects;
    size_t effect_count, effect_capacity;
    struct xd_names effect_names; /* kind and reference */
    struct xd_sim_draft *drafts;
    size_t draft_count, draft_capacity;
    struct xd_names draft_names;  /* the last one of kind and reference */
    struct xd_names refusals;     /* of kind and reference, or of a kind: until when */
    struct xd_names sent, told;   /* by stream: the highest sequence that left, the highest watermark told */
    struct xd_names event_names;  /* lifecycle events that were heard: ids and places */
    struct xd_names event_orders; /* the last one's place, by order */
    struct xd_names event_states; /* and the status that it tells, hashed */
    int64_t events_heard;         /* all events up to this place were heard */
    struct xd_names gone;         /* epochs by machine: when it gave them up */
    struct xd_names taken,
        seen;                /* of sites that were cloned: what the hub took under which number; contents */
    struct xd_names twofold; /* by stream: the lowest number under which it took two contents */
    struct xd_names posts;   /* the same, of all that was posted: when it lands at the latest */
};

/* ---- sim.c ---- */

/* A line of the story, and into the trace. */
void xd_sim_tell(struct xd_sim *sim, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Into the trace only. */
void xd_sim_note(struct xd_sim *sim, uint64_t what, const void *data, size_t size);
/* What must not happen has happened; the first one stays. */
void xd_sim_violated(struct xd_sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether a fault hits this document, message or call; counts it. */
bool xd_sim_hit(struct xd_sim *sim, enum xd_fault fault);
void xd_sim_run_until(struct xd_sim *sim, xd_ms until);
/* A machine without anything on its disk. */
void xd_sim_node_open(struct xd_sim *sim, struct xd_sim_node *node, const char *name, unsigned number);

/* ---- broker.c ---- */

void xd_sim_push(struct xd_sim *sim, struct xd_sim_node *to, xd_ms delay, const char *exchange,
                 const char *user, const char *signature, struct xd_bytes body);
/* keep: not taken, the broker shall bring it again. */
void xd_sim_answer_message(struct xd_sim_node *node, uint64_t tag, bool keep, bool dead);
/* Each release begins with it: the consumer is made anew when something was not taken. */
void xd_sim_restart_consumer(struct xd_sim_node *node);
/* What was delivered to it and not answered comes again, to whoever listens then. */
void xd_sim_consumer_lost(struct xd_sim_node *node);
void xd_sim_redeliver(struct xd_sim_queue *queue);
void xd_sim_purge(struct xd_sim_queue *queue);
void xd_sim_forget_recorded(struct xd_sim *sim);
/* A program publishes: whether, when and how often it arrives, and what it is told. */
/* Lets an effect towards the broker out; of any other kind it does nothing. */
void xd_sim_let_out(struct xd_sim_node *node, const struct xd_effects *effects,
                    const struct xd_effect *effect);
void xd_sim_publish(struct xd_sim_node *from, const struct xd_effects *effects,
                    const struct xd_effect *effect);
/* The connection is gone for the program. */
void xd_sim_link_down(struct xd_sim_node *node, xd_ms delay);
bool xd_sim_can_connect(const struct xd_sim_node *node);
/* The program tries to connect from now on, until it has. */
void xd_sim_connect(struct xd_sim_node *node);

/* ---- power.c ---- */

/* What is told as acknowledged right now, the disk of its machine holds: looked at now and then. */
void xd_sim_held_document(struct xd_sim_node *node, const struct xd_sim_document *document);
void xd_sim_held_order(struct xd_sim *sim, const struct xd_sim_order *order);
void xd_sim_held_call(struct xd_sim *sim, const struct xd_erp_call *call);
void xd_sim_held_watermark(struct xd_sim_node *node, const char *site, const char *lane, const char *epoch,
                           uint64_t told);

/* ---- node.c ---- */

void xd_sim_mail(struct xd_sim_node *node, struct xd_sim_mail mail, xd_ms delay);
/* The program gets its turn by then. */
void xd_sim_wake(struct xd_sim_node *node, xd_ms at);
void xd_sim_node_start(struct xd_sim_node *node);
/* Holds the counters of a running one's store against what they count; a hub's stock has to add up, too. */
void xd_sim_node_count(struct xd_sim_node *node);
/* As kill -9 does (loss XD_DISK_KEPT, or XD_DISK_CACHED), or a power failure. */
void xd_sim_node_kill(struct xd_sim_node *node, enum xd_disk_loss loss, uint64_t random);
/* Killed so, and started again after delay. */
void xd_sim_node_restart(struct xd_sim_node *node, xd_ms delay, enum xd_disk_loss loss, uint64_t random);
struct xd_now xd_sim_now(struct xd_sim_node *node);
/* Forgets what is in the mailbox. */
void xd_sim_node_clear(struct xd_sim_node *node);
bool xd_sim_node_open_store(struct xd_sim_node *node);

/* ---- site_node.c, hub_node.c ---- */

bool xd_sim_site_open(struct xd_sim_site *site);
void xd_sim_site_close(struct xd_sim_site *site);
bool xd_sim_hub_open(struct xd_sim *sim);
void xd_sim_hub_close(struct xd_sim *sim);

/* ---- clone.c ---- */

/* The site, or its clone, that runs on the machine. */
struct xd_sim_site *xd_sim_site_of(struct xd_sim_node *node);
/* The site's second machine; NULL: it has none now. */
struct xd_sim_site *xd_sim_clone_of(struct xd_sim_site *site);
/* The other machine of the same site; NULL: none. */
struct xd_sim_node *xd_sim_twin_of(struct xd_sim_node *node);
/* Copies the site's disk to a second machine and starts it. */
void xd_sim_clone(struct xd_sim *sim, struct xd_sim_site *site, struct xd_chance *chance);
/* Its machine is gone, for good. */
void xd_sim_clone_free(struct xd_sim_site *clone);

/* ---- wms.c, wms_release.c, channel.c, wishes.c, errands.c, erp.c, trouble.c ---- */

/* The machine that the site's WMS speaks to. */
struct xd_sim_node *xd_sim_wms_side(struct xd_sim_site *site);
void xd_sim_wms_turn_to(struct xd_sim_site *site, bool clone);

void xd_sim_wms_hears(struct xd_sim_site *from, const char *topic, const char *text, size_t size);
/* From now on it asks now and then for what it was never told. */
void xd_sim_wms_ask(struct xd_sim_site *site);
void xd_sim_wms_work(struct xd_sim_site *site);  /* inventory now and then */
void xd_sim_wms_count(struct xd_sim_site *site); /* once */
/* A document of its, by its id; XD_NAMES_NONE. */
size_t xd_sim_wms_document(const struct xd_sim_site *site, const char *id);
size_t xd_sim_wms_add(struct xd_sim_site *site, enum xd_kind kind, const char *id);
/* ... and of that version of it. */
size_t xd_sim_wms_version(const struct xd_sim_site *site, const char *id, uint64_t version);
size_t xd_sim_wms_add_version(struct xd_sim_site *site, enum xd_kind kind, const char *id, uint64_t version);
/* "site/id", and the version where it is not the first. */
void xd_sim_wms_key(const char *site, const char *id, uint64_t version, char out[2 * XD_SIM_TEXT]);
/* What is confirmed of a release is a document from then on, and sent after delay. */
size_t xd_sim_wms_confirm(struct xd_sim_site *site, const struct xd_sim_release *release,
                          const unsigned qty[XD_SIM_LINES_MAX], const char *short_status, xd_ms delay);
/* What it says as it is now; xd_host_free. */
char *xd_sim_wms_write(struct xd_sim_document *document, const struct xd_sim_release *release);
/* It was accepted: now and then its WMS says otherwise later (wms_redo.c). */
void xd_sim_wms_may_redo(struct xd_sim_site *site, size_t number);
/* From then on it is sent until its receipt comes. */
void xd_sim_wms_send(struct xd_sim_site *site, size_t document, const char *text, xd_ms delay);
/* Once more, whatever was said of it. */
void xd_sim_wms_say_again(struct xd_sim_site *site, size_t number);
void xd_sim_wms_take_release(struct xd_sim_site *site, const cJSON *tree);
/* Of a release that nobody has. */
void xd_sim_wms_ship_unknown(struct xd_sim_site *site);
void xd_sim_channel_start(struct xd_sim *sim);
size_t xd_sim_channel_add(struct xd_sim *sim); /* an empty one; its number */
/* What is wanted of it is what it says. */
void xd_sim_channel_wants(struct xd_sim_order *order);
/* What a line, counted from 1, is of. */
const char *xd_sim_sku(unsigned long line);
size_t xd_sim_channel_order(struct xd_sim *sim); /* a new one; its number */
void xd_sim_channel_answer(struct xd_sim *sim, uint64_t attempt, unsigned status, const char *body);
/* The order as its channel writes it, with these quantities; a line of which there is none is left out. Free
 * with xd_host_free. */
char *xd_sim_channel_text(const struct xd_sim *sim, const struct xd_sim_order *order,
                          const unsigned qty[XD_SIM_LINES_MAX], const char *note);
/* Puts the request into the hub's mailbox, if anybody is there. Returns the attempt. */
uint64_t xd_sim_channel_ask(struct xd_sim *sim, enum xd_sim_asker asker, size_t number,
                            struct xd_sim_mail mail, const char *text);
/* How long to wait for an answer to the n-th try. */
xd_ms xd_sim_channel_patience(unsigned tries);
/* Draws what will be wanted of an order next, or that nothing will. */
void xd_sim_wishes_plan(struct xd_sim *sim, size_t number);
void xd_sim_wishes_answer(struct xd_sim *sim, size_t number, unsigned status, const char *body);
/* Sites' profiles and stock; from then on stock is listed when the world says so (errands.c). */
void xd_sim_errands_start(struct xd_sim *sim);
void xd_sim_errands_list(struct xd_sim *sim, unsigned site, const unsigned qty[2]);
void xd_sim_errands_heal(struct xd_sim *sim);
void xd_sim_errands_answer(struct xd_sim *sim, size_t number, unsigned status);
/* Whether the ERP has refused nothing that it could be asked for again. */
void xd_sim_errands_compare(struct xd_sim *sim); /* the books */
bool xd_sim_errands_rest(struct xd_sim *sim, char *why, size_t size);
/* Whether orders may go elsewhere than where they were sent. */
bool xd_sim_orders_roam(const struct xd_sim *sim);
/* erp_books.c: the effect of that number has just come about; a page as it is when it is answered; whether
 * the hub has compared the books since they changed last, and found them the same. */
bool xd_sim_books_lists(const struct xd_sim *sim);
void xd_sim_books_take(struct xd_sim *sim, size_t number);
void xd_sim_books_page(struct xd_sim *sim, const struct xd_erp_call *call, struct xd_erp_answer *answer,
                       struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]);
bool xd_sim_books_rest(struct xd_sim *sim, char *why, size_t size);
void xd_sim_books_free(struct xd_sim *sim);
void xd_sim_erp_call(struct xd_sim *sim, struct xd_erp_call *call);
void xd_sim_erp_free(struct xd_sim *sim);
/* It is in the books. */
void xd_sim_erp_take(struct xd_sim *sim, const struct xd_sim_effect *effect);
/* Somebody types a sale into it (erp_sells.c). */
void xd_sim_erp_sells(struct xd_sim *sim);
/* What the request asks for, as it will be in the books. */
void xd_sim_erp_effect(const struct xd_erp_request *request, struct xd_sim_effect *effect);
#define XD_SIM_ERP_KEY (XD_REFERENCE_SIZE + 8)
void xd_sim_erp_key(enum xd_erp_kind kind, const char *reference, char out[XD_SIM_ERP_KEY]);
void xd_sim_trouble_start(struct xd_sim *sim);
/* All is mended: lines, disks, clocks, the ERP. */
void xd_sim_heal(struct xd_sim *sim);

/* ---- erp_steps.c ---- */

#define XD_SIM_STEPS_ALL UINT64_MAX
#define XD_SIM_STEPS_BUT_LAST (UINT64_MAX - 1)
#define XD_SIM_STEPS_ONE_MORE (UINT64_MAX - 2) /* of what stands there; else none */
/* From now on the ERP refuses it for some time, perhaps all of its kind. */
void xd_sim_erp_refuse(struct xd_sim *sim, const struct xd_erp_request *request);
/* How many steps a call that stops in the middle takes, at most. */
uint64_t xd_sim_erp_stops_after(struct xd_sim *sim, enum xd_erp_kind kind);
/* Takes so many steps of what is asked for, from where it stands. true: they were the last ones, and it is to
 * take effect; otherwise *answer says how it stands. */
bool xd_sim_erp_goes_on(struct xd_sim *sim, const struct xd_erp_request *request, uint64_t steps,
                        struct xd_erp_answer *answer);
/* That something was begun and nobody went on with it is a violation. */
void xd_sim_judge_drafts(struct xd_sim *sim);

/* ---- witness.c ---- */

/* Listens to what a program publishes. */
void xd_sim_witness(struct xd_sim_node *from, struct xd_bytes body);
/* A lifecycle event that was taken by the broker. */
void xd_sim_witness_event(struct xd_sim_node *from, struct xd_bytes body);
/* ... and to what the hub takes from its queue. */
void xd_sim_witness_taken(struct xd_sim *sim, const struct xd_sim_message *message);
/* Whether every event that the hub lists was heard; else why says up to where it was looked. */
bool xd_sim_events_rest(struct xd_sim *sim, char *why, size_t size);
/* E3, of an order that the hub shows with this status. */
void xd_sim_judge_events(struct xd_sim *sim, const char *order_id, const char *status);

/* ---- oracle.c ---- */

/* After the heal: whether all is at rest; else why says what is not. */
bool xd_sim_is_quiet(struct xd_sim *sim, char *why, size_t size);
/* Compares what went in with what came out. */
void xd_sim_judge(struct xd_sim *sim);

/* ---- outcome.c ---- */

void xd_sim_outcome_write(const struct xd_sim *sim, struct xd_buffer *out);

/* ---- oracle_orders.c ---- */

/* Whether nothing of any order is on its way any more. */
bool xd_sim_orders_rest(struct xd_sim *sim, char *why, size_t size);
/* What the ERP has of an order, in the order in which it took effect. */
void xd_sim_judge_change(struct xd_sim *sim, const struct xd_sim_effect *effect);
void xd_sim_book_sale(struct xd_sim *sim, struct xd_sim_order *order, const struct xd_sim_effect *effect);
void xd_sim_book_closed(struct xd_sim *sim, struct xd_sim_order *order, const struct xd_sim_effect *effect);
/* Whether the sale may differ from the order as it was sent. */
bool xd_sim_order_varies(const struct xd_sim *sim, const struct xd_sim_order *order);
struct xd_sim_order *xd_sim_order_of_sale(struct xd_sim *sim, const char *reference);
void xd_sim_judge_orders(struct xd_sim *sim);

/* ---- hub_watch.c ---- */

/* Looks at each row of an order's lines that is stored, and at orders after the turns that changed them. */
void xd_sim_hub_watch(struct xd_sim *sim);
void xd_sim_hub_watched(struct xd_sim *sim);
/* That the books of the order do not add up is a violation. */
void xd_sim_hub_look(struct xd_sim *sim, const char *order_id);

#endif
