/* The life of a world: it is drawn from the seed, its sites are added, then for the
 * horizon everything fails; then it is healed, and has to come to rest within a bound. */
#include "simulator/sim.h"

#include "base/memory.h"
#include "posix/runtime/sha256.h"
#include "simulator/host.h"
#include "simulator/mutants.h"
#include "simulator/sqlite_memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LATENCY_MS 20
#define SETTING_UP_MS (30 * XD_SECOND_MS)
#define HEAL_MS_MAX (3 * XD_DAY_MS)
#define LOOK_MS (10 * XD_MINUTE_MS)
#define MILLION 1000000u
#define MESSAGES_AN_HOUR 10000u
#define MESSAGES_A_DOCUMENT 100u
#define OFTEN 4u /* times as often as the most that is drawn */

static const char *const site_names[XD_SIM_SITES_MAX] = {"WH1", "WH2", "3PL-A", "3PL-B", "WH3", "3PL-C"};

/* ---- telling ---- */

void xd_sim_note(struct xd_sim *sim, uint64_t what, const void *data, size_t size) {
    uint64_t head[2] = {(uint64_t)sim->now, what};
    sim->trace = xd_names_hash(sim->trace, head, sizeof head);
    sim->trace = xd_names_hash(sim->trace, data, size);
}

static void print_step(const struct xd_sim *sim, const char *who, const char *text) {
    char time[XD_TIME_TEXT_MAX];
    (void)printf("%s %-6s %s\n", xd_time_write(XD_SIM_START_WALL + sim->now, time), who, text);
}

void xd_sim_tell(struct xd_sim *sim, const char *who, const char *format, ...) {
    char text[500];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size = size < (int)sizeof text ? size : (int)sizeof text - 1;
    xd_sim_note(sim, 1, text, (size_t)size);
    if (sim->options.story) {
        print_step(sim, who, text);
    }
}

bool xd_sim_hit(struct xd_sim *sim, enum xd_fault fault) {
    bool may = sim->rate[fault] != 0 && !sim->healing && !sim->adding_sites;
    bool hit = may && xd_chance_hits(&sim->chance[fault], sim->rate[fault]);
    sim->figures->faults[fault] += hit;
    if (hit && sim->options.story) {
        print_step(sim, "world", xd_fault_kinds[fault].name);
    }
    return hit;
}

void xd_sim_violated(struct xd_sim *sim, const char *format, ...) {
    char *text = sim->figures->violation;
    if (text[0] == 0) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(text, sizeof sim->figures->violation, format, arguments);
        va_end(arguments);
        xd_sim_tell(sim, "oracle", "%s", text);
    }
}

static void entropy(void *context, void *out, size_t size) {
    struct xd_sim_node *node = context;
    xd_chance_bytes(&node->entropy, out, size);
}

/* The exception names its site. */
static void note_rewound(struct xd_sim *sim, const char *members) {
    for (unsigned index = 0; index < sim->site_count; index++) {
        char name[XD_SITE_SIZE + 8];
        (void)snprintf(name, sizeof name, " site %s ", sim->sites[index].name_text);
        sim->sites[index].rewound = sim->sites[index].rewound || strstr(members, name) != NULL;
    }
}

/* Log lines are part of what a program says, and so of the trace. */
static void log_line(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                     const char *members) {
    struct xd_sim_node *node = context;
    (void)correlation_id;
    if (node->number == 0 && members != NULL && strstr(members, "STREAM_REWOUND") != NULL) {
        note_rewound(node->sim, members);
    }
    xd_sim_tell(node->sim, node->name, "%s%s %s", level >= XD_LOG_ERROR ? "! " : "", event,
                members != NULL ? members : "");
}

/* ---- drawing ---- */

/* What loses a disk's memory makes much of what was accepted excusable: only some worlds have it. */
static bool is_amnesia(unsigned fault) {
    return fault == XD_FAULT_SITE_LYING_SYNC || fault == XD_FAULT_SITE_OLD_COPY ||
           fault == XD_FAULT_HUB_OLD_COPY || fault == XD_FAULT_SITE_GARBLED;
}

static void draw_rates(struct xd_sim *sim, struct xd_chance *plan) {
    struct xd_chance trade;
    xd_chance_init(&trade, sim->options.seed, XD_SIM_CHANCE_TRADE);
    bool trades = xd_chance_hits(&trade, 600000);
    bool forgetful = xd_chance_hits(plan, 200000);
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        const struct xd_fault_kind *kind = &xd_fault_kinds[fault];
        uint32_t most = kind->day_max != 0 ? kind->day_max : kind->rate_max;
        bool known = xd_chance_hits(plan, is_amnesia(fault) ? 700000 : 500000);
        uint32_t rate = (uint32_t)xd_chance_spread(plan, 1 + most / 64, most);
        bool off = sim->options.calm || sim->options.class_off[kind->class] ||
                   (sim->options.kinds != 0 && fault >= sim->options.kinds) ||
                   (is_amnesia(fault) && !forgetful) || (xd_fault_is_trade((enum xd_fault)fault) && !trades);
        sim->rate[fault] = sim->options.often[fault] ? OFTEN * most : known && !off ? rate : 0;
        sim->trades = sim->trades || (xd_fault_is_trade((enum xd_fault)fault) && sim->rate[fault] != 0);
        xd_chance_init(&sim->chance[fault], sim->options.seed, XD_SIM_CHANCE_FAULTS + fault);
    }
}

void xd_sim_node_open(struct xd_sim *sim, struct xd_sim_node *node, const char *name, unsigned number) {
    *node =
        (struct xd_sim_node){.sim = sim, .name = name, .number = number, .open_up = true, .open_down = true};
    node->queue = &sim->queues[number];
    node->latency = number == 0 ? 1 : LATENCY_MS;
    node->env = (struct xd_env){.context = node, .entropy = entropy, .log = log_line};
    xd_chance_init(&node->entropy, sim->options.seed, XD_SIM_CHANCE_ENTROPY + 1000 * (uint64_t)(number + 1));
    node->disk = xd_disk_new(name);
    if (node->disk == NULL) {
        xd_sim_violated(sim, "no memory for a disk");
    }
}

static void draw(struct xd_sim *sim) {
    struct xd_chance plan;
    xd_chance_init(&plan, sim->options.seed, XD_SIM_CHANCE_PLAN);
    unsigned sites = (unsigned)xd_chance_between(&plan, 1, 4);
    xd_ms horizon = xd_chance_spread(&plan, 4 * XD_HOUR_MS, 4 * XD_DAY_MS) / XD_MINUTE_MS * XD_MINUTE_MS;
    unsigned documents = (unsigned)xd_chance_spread(&plan, 100, 1600);
    draw_rates(sim, &plan);
    sim->site_count = 0;
    sites = sim->options.sites != 0 ? sim->options.sites : sites;
    sim->figures->sites = sites < XD_SIM_SITES_MAX ? sites : XD_SIM_SITES_MAX;
    sim->figures->horizon = sim->options.horizon != 0 ? sim->options.horizon : horizon;
    sim->heal_at = SETTING_UP_MS + sim->figures->horizon;
    documents = sim->options.documents_a_day != 0 ? sim->options.documents_a_day : documents;
    sim->figures->documents_a_day = documents;
    /* An order is six documents of its site: release, response, confirmation, two fates, a count of stock. */
    sim->order_gap = XD_DAY_MS * 6 / documents / sim->figures->sites;
    sim->order_gap = sim->order_gap > 0 ? sim->order_gap : 1;
    xd_chance_init(&sim->work, sim->options.seed, XD_SIM_CHANCE_WORK);
    xd_chance_init(&sim->looks, sim->options.seed, XD_SIM_CHANCE_LOOKS);
}

void xd_sim_combine(struct xd_sim_options *options) {
    struct xd_chance chance;
    xd_chance_init(&chance, options->seed, XD_SIM_CHANCE_COMBINE);
    unsigned sites = (unsigned)xd_chance_between(&chance, 1, 3);
    xd_ms horizon = xd_chance_spread(&chance, 4 * 60, 28 * 60) * XD_MINUTE_MS;
    unsigned documents = (unsigned)xd_chance_spread(&chance, 100, 500);
    options->sites = options->sites != 0 ? options->sites : sites;
    options->horizon = options->horizon != 0 ? options->horizon : horizon;
    options->documents_a_day = options->documents_a_day != 0 ? options->documents_a_day : documents;
    for (int64_t more = xd_chance_between(&chance, 2, 5); more > 0; more--) {
        uint64_t fault = xd_chance_below(&chance, XD_FAULT_COUNT);
        options->often[fault] = options->often[fault] || !options->class_off[xd_fault_kinds[fault].class];
    }
}

/* ---- running ---- */

/* I9: what goes round in circles is noticed before it has gone round for days. */
static void watch_traffic(struct xd_sim *sim) {
    uint64_t hours = (uint64_t)(sim->now / XD_HOUR_MS) + 1;
    uint64_t bound = MESSAGES_AN_HOUR * hours * sim->figures->sites +
                     MESSAGES_A_DOCUMENT * (sim->figures->documents + sim->figures->orders);
    if (sim->figures->messages > bound) {
        xd_sim_violated(sim, "I9: %llu messages within %llu h", (unsigned long long)sim->figures->messages,
                        (unsigned long long)hours);
    }
}

void xd_sim_run_until(struct xd_sim *sim, xd_ms until) {
    struct xd_agenda_item item;
    while (sim->now < until && sim->figures->violation[0] == 0 && xd_agenda_take(&sim->agenda, &item)) {
        if (item.at >= until) {
            xd_agenda_add(&sim->agenda, item.at, item.act, item.object, item.argument);
            break;
        }
        sim->now = item.at;
        sim->figures->steps++;
        if (sim->options.stop != NULL && *sim->options.stop != 0) {
            xd_sim_violated(sim, "%s", XD_SIM_INTERRUPTED);
        }
        item.act(sim, item.object, item.argument);
        watch_traffic(sim);
    }
    sim->now = sim->now < until ? until : sim->now;
}

static void set_up(struct xd_sim *sim) {
    char body[96];
    sim->adding_sites = true;
    sim->broker_up = true;
    xd_sim_sqlite_begin();
    if (sim->options.script != XD_SIM_NO_SCRIPT && !xd_sim_sqlite_memory()) {
        xd_sim_violated(sim, "SQLite does not take another allocator any more");
    }
    xd_disk_register();
    xd_disk_seed(sim->options.seed);
    xd_memory_adopt_cjson();
    if (xd_crypto_accelerate(xd_fast_sha256) != XD_OK) {
        xd_sim_violated(sim, "SHA-256 is not what it should be");
    }
    xd_sim_node_open(sim, &sim->hub_node, "hub", 0);
    xd_sim_node_start(&sim->hub_node);
    xd_sim_run_until(sim, 3 * XD_SECOND_MS);
    for (unsigned index = 0; index < sim->figures->sites; index++) {
        struct xd_sim_site *site = &sim->sites[index];
        xd_copy(site->name_text, sizeof site->name_text, site_names[index]);
        xd_sim_node_open(sim, &site->node, site->name_text, index + 1);
        site->wms_up = true;
        sim->site_count++;
        (void)snprintf(body, sizeof body, "{\"site\":\"%s\",\"kind\":\"warehouse\"}", site->name_text);
        xd_sim_mail(
            &sim->hub_node,
            (struct xd_sim_mail){.kind = XD_SIM_MAIL_SITE_ADD, .text = xd_host_copy(body, strlen(body))}, 1);
        xd_sim_run_until(sim, sim->now + XD_SECOND_MS);
        xd_sim_node_start(&site->node);
    }
    xd_sim_run_until(sim, SETTING_UP_MS);
    sim->adding_sites = false;
}

static void fail_and_heal(struct xd_sim *sim) {
    xd_sim_errands_start(sim);
    xd_sim_channel_start(sim);
    for (unsigned index = 0; index < sim->site_count; index++) {
        xd_sim_wms_work(&sim->sites[index]);
    }
    xd_sim_trouble_start(sim);
    xd_sim_run_until(sim, sim->heal_at);
    xd_sim_heal(sim);
    char why[200];
    xd_ms patience = sim->options.patience != 0 ? sim->options.patience : HEAL_MS_MAX;
    while (sim->figures->violation[0] == 0 && !xd_sim_is_quiet(sim, why, sizeof why)) {
        if (sim->now - sim->heal_at > patience) {
            xd_sim_violated(sim, "I10: not at rest %lld h after all was healed: %s",
                            (long long)(patience / XD_HOUR_MS), why);
        }
        xd_sim_run_until(sim, sim->now + LOOK_MS);
    }
    sim->figures->heal_ms = sim->now - sim->heal_at;
}

/* The hub is the first of site_count + 1. */
static struct xd_sim_node *node_of(struct xd_sim *sim, unsigned index) {
    return index == 0 ? &sim->hub_node : &sim->sites[index - 1].node;
}

static void count_all(struct xd_sim *sim) {
    for (unsigned index = 0; index <= sim->site_count; index++) {
        xd_sim_node_count(node_of(sim, index));
    }
}

static void tear_down(struct xd_sim *sim) {
    uint64_t crashes = sim->figures->crashes;
    for (unsigned index = 0; index <= sim->site_count; index++) {
        struct xd_sim_node *node = node_of(sim, index);
        xd_sim_node_kill(node, XD_DISK_KEPT, 0);
        xd_sim_node_clear(node);
        xd_sim_purge(node->queue);
        xd_disk_image_free(node->copy);
        xd_disk_free(node->disk);
        if (index > 0) {
            xd_names_free(&sim->sites[index - 1].releases);
            xd_sim_clone_free(&sim->clones[index - 1]);
        }
    }
    for (size_t index = 0; index < sim->document_count; index++) {
        xd_host_free(sim->documents[index].text);
    }
    for (size_t index = 0; index < sim->order_count; index++) {
        xd_host_free(sim->orders[index].text);
        xd_host_free(sim->orders[index].account);
    }
    for (size_t index = 0; index < sim->wish_count; index++) {
        xd_host_free(sim->wishes[index].text);
    }
    for (size_t index = 0; index < sim->errand_count; index++) {
        xd_host_free(sim->errands[index].text);
    }
    xd_sim_forget_recorded(sim);
    xd_sim_erp_free(sim);
    xd_sim_books_free(sim);
    xd_host_free(sim->documents);
    xd_host_free(sim->orders);
    xd_host_free(sim->effects);
    xd_host_free(sim->drafts);
    xd_host_free(sim->wishes);
    xd_host_free(sim->errands);
    xd_host_free(sim->releases);
    xd_names_free(&sim->document_names);
    xd_names_free(&sim->order_names);
    xd_names_free(&sim->effect_names);
    xd_names_free(&sim->draft_names);
    xd_names_free(&sim->refusals);
    xd_names_free(&sim->sent);
    xd_names_free(&sim->told);
    xd_names_free(&sim->gone);
    xd_names_free(&sim->taken);
    xd_names_free(&sim->seen);
    xd_names_free(&sim->twofold);
    xd_names_free(&sim->posts);
    xd_names_free(&sim->event_names);
    xd_names_free(&sim->event_orders);
    xd_names_free(&sim->event_states);
    xd_agenda_free(&sim->agenda);
    sim->figures->crashes = crashes; /* that all programs end here is none */
}

void xd_sim_run(const struct xd_sim_options *options, struct xd_sim_figures *figures) {
    struct xd_sim *sim = xd_host_alloc(sizeof *sim);
    memset(figures, 0, sizeof *figures);
    sim->options = *options;
    xd_mutant = (int)options->mutant;
    sim->figures = figures;
    memcpy(sim->cuts.planned, options->cuts, sizeof sim->cuts.planned);
    sim->cuts.planned_count = options->cut_count;
    sim->trace = XD_NAMES_HASH_START;
    draw(sim);
    set_up(sim);
    if (figures->violation[0] == 0 && options->script != XD_SIM_NO_SCRIPT) {
        xd_sim_script_run(sim);
    } else if (figures->violation[0] == 0) {
        fail_and_heal(sim);
        if (figures->violation[0] == 0) {
            xd_sim_judge(sim);
        }
        if (options->outcome != NULL) {
            xd_sim_outcome_write(sim, options->outcome);
        }
    }
    if (figures->violation[0] == 0) {
        count_all(sim);
    }
    figures->simulated = sim->now;
    figures->trace = sim->trace;
    tear_down(sim);
    xd_host_free(sim);
}
