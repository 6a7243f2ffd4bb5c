/* What goes wrong at times of its own. (Two draws of chance never stand in one call: C does
 * not say which comes first.) Each kind has its stream of chance and comes again
 * and again until the world is healed; most of it ends by itself. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <string.h>

#define ALLOCATIONS 200
#define GARBLED_BITS 400u

static void next(struct xd_sim *sim, enum xd_fault fault);

static struct xd_chance *chance_of(struct xd_sim *sim, enum xd_fault fault) {
    return &sim->chance[fault];
}

static struct xd_sim_site *some_site(struct xd_sim *sim, enum xd_fault fault) {
    return &sim->sites[xd_chance_below(chance_of(sim, fault), sim->site_count)];
}

/* One of a site's machines, where it has two. */
static struct xd_sim_node *machine_of(struct xd_sim *sim, enum xd_fault fault, struct xd_sim_site *site) {
    struct xd_sim_site *clone = xd_sim_clone_of(site);
    return clone != NULL && xd_chance_hits(chance_of(sim, fault), 500000) ? &clone->node : &site->node;
}

static struct xd_sim_node *some_machine(struct xd_sim *sim, enum xd_fault fault) {
    return machine_of(sim, fault, some_site(sim, fault));
}

static struct xd_sim_node *some_node(struct xd_sim *sim, enum xd_fault fault) {
    uint64_t number = xd_chance_below(chance_of(sim, fault), sim->site_count + 1);
    return number == 0 ? &sim->hub_node : machine_of(sim, fault, &sim->sites[number - 1]);
}

static xd_ms some_time(struct xd_sim *sim, enum xd_fault fault, xd_ms least, xd_ms most) {
    return xd_chance_spread(chance_of(sim, fault), least, most);
}

/* ---- lines and broker ---- */

/* A connection that is dead is given up after two heartbeats. */
static xd_ms until_noticed(struct xd_sim *sim, enum xd_fault fault) {
    return xd_chance_between(chance_of(sim, fault), 1, 25 * XD_SECOND_MS);
}

static void line_heals(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    (void)sim;
    (void)argument;
    node->open_up = node->open_down = true;
    node->latency = 20;
}

static void break_line(struct xd_sim *sim, enum xd_fault fault, bool up, bool down, xd_ms most) {
    struct xd_sim_node *node = some_machine(sim, fault);
    xd_ms lasts = some_time(sim, fault, XD_SECOND_MS, most);
    node->open_up = node->open_up && !up;
    node->open_down = node->open_down && !down;
    xd_sim_tell(sim, node->name, "%s for %lld ms", xd_fault_kinds[fault].name, (long long)lasts);
    if (node->running) {
        xd_sim_link_down(node, until_noticed(sim, fault));
    }
    xd_agenda_add(&sim->agenda, sim->now + lasts, line_heals, node, 0);
}

static void line_slows(struct xd_sim *sim, enum xd_fault fault) {
    struct xd_sim_node *node = some_machine(sim, fault);
    node->latency = some_time(sim, fault, 200, 20 * XD_SECOND_MS);
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_MINUTE_MS, XD_HOUR_MS), line_heals, node,
                  0);
}

static void broker_starts(struct xd_sim *sim, void *object, uint64_t argument) {
    (void)object;
    (void)argument;
    sim->broker_up = true;
    sim->broker_blocked = sim->unbound = false;
}

static void broker_dies(struct xd_sim *sim, enum xd_fault fault) {
    sim->broker_up = false;
    for (unsigned index = 0; index <= sim->site_count; index++) {
        struct xd_sim_node *node = index == 0 ? &sim->hub_node : &sim->sites[index - 1].node;
        struct xd_sim_node *twin = xd_sim_twin_of(node);
        xd_sim_redeliver(node->queue);
        node->queue->consumer = NULL;
        if (fault == XD_FAULT_BROKER_WIPE) {
            xd_sim_purge(node->queue);
        }
        if (node->running) {
            xd_sim_link_down(node, 1);
        }
        if (twin != NULL && twin->running) {
            xd_sim_link_down(twin, 1);
        }
    }
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_SECOND_MS, 10 * XD_MINUTE_MS),
                  broker_starts, NULL, 0);
}

static void broker_mends(struct xd_sim *sim, void *object, uint64_t argument) {
    (void)object;
    (void)argument;
    sim->broker_blocked = sim->unbound = false;
}

static void broker_sulks(struct xd_sim *sim, enum xd_fault fault) {
    sim->broker_blocked = sim->broker_blocked || fault == XD_FAULT_BROKER_BLOCKED;
    sim->unbound = sim->unbound || fault == XD_FAULT_BROKER_UNBOUND;
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_SECOND_MS, 30 * XD_MINUTE_MS),
                  broker_mends, NULL, 0);
}

static void redeliver(struct xd_sim *sim, enum xd_fault fault) {
    struct xd_sim_node *node = some_node(sim, fault);
    xd_sim_redeliver(node->queue);
    xd_sim_wake(node, sim->now + 1);
}

static void wms_returns(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_site *site = object;
    (void)sim;
    (void)argument;
    site->wms_up = true;
    if (xd_sim_wms_side(site)->running) {
        xd_sim_mail(xd_sim_wms_side(site), (struct xd_sim_mail){.kind = XD_SIM_MAIL_WMS_UP}, 1);
    }
}

static void wms_leaves(struct xd_sim *sim, enum xd_fault fault) {
    struct xd_sim_site *site = some_site(sim, fault);
    site->wms_up = false;
    if (xd_sim_wms_side(site)->running) {
        xd_sim_mail(xd_sim_wms_side(site), (struct xd_sim_mail){.kind = XD_SIM_MAIL_WMS_DOWN}, 1);
    }
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_SECOND_MS, 2 * XD_HOUR_MS), wms_returns,
                  site, 0);
}

/* ---- machines ---- */

static void kill_node(struct xd_sim *sim, enum xd_fault fault, struct xd_sim_node *node, bool power) {
    if (!node->running) {
        return;
    }
    enum xd_disk_loss loss = (enum xd_disk_loss)xd_chance_below(chance_of(sim, fault), 4);
    xd_ms away = some_time(sim, fault, XD_SECOND_MS, 10 * XD_MINUTE_MS);
    uint64_t random = xd_chance_next(chance_of(sim, fault));
    xd_sim_tell(sim, node->name, "%s (%d)", power ? "loses power" : "is killed", (int)loss);
    xd_sim_node_restart(node, away, power ? loss : XD_DISK_KEPT, random);
}

static void kill_again(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    kill_node(sim, XD_FAULT_KILL_TWICE, node, argument != 0);
}

static void kill_twice(struct xd_sim *sim) {
    struct xd_sim_node *node = some_node(sim, XD_FAULT_KILL_TWICE);
    kill_node(sim, XD_FAULT_KILL_TWICE, node, true);
    for (xd_ms after = 2000; after < 20000; after += 6000) {
        xd_agenda_add(&sim->agenda, sim->now + after, kill_again, node, 1);
    }
}

static void hang(struct xd_sim *sim, enum xd_fault fault, struct xd_sim_node *node) {
    if (node->running) {
        node->hung_until = sim->now + some_time(sim, fault, XD_SECOND_MS, 30 * XD_MINUTE_MS);
        if (node->hung_until - sim->now > 20 * XD_SECOND_MS) { /* the broker gives it up meanwhile */
            xd_sim_consumer_lost(node);
            xd_sim_link_down(node, 0);
        }
    }
}

/* ---- disks ---- */

static void disk_has_room(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    (void)sim;
    (void)argument;
    node->full = false;
    xd_disk_capacity(node->disk, 0);
}

static void fill_disk(struct xd_sim *sim, enum xd_fault fault, struct xd_sim_node *node) {
    node->full = true;
    xd_disk_capacity(node->disk,
                     xd_disk_used(node->disk) + xd_chance_below(chance_of(sim, fault), 64 * 1024) + 1);
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_MINUTE_MS, XD_HOUR_MS), disk_has_room,
                  node, 0);
}

static void fail_disk(struct xd_sim *sim, enum xd_fault fault, enum xd_disk_operation operation, int code) {
    struct xd_sim_node *node = some_node(sim, fault);
    uint64_t which = xd_chance_below(chance_of(sim, fault), 40) + 1;
    bool for_ever = xd_chance_hits(chance_of(sim, fault), 500000);
    if (node->running) {
        xd_disk_fail(node->disk, operation, which, for_ever, code);
    }
}

static void cache_is_lost(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    (void)argument;
    node->cache_stays = false;
    xd_sim_tell(sim, node->name, "loses its power and all that its disk has not");
    xd_disk_crash(node->disk, XD_DISK_LOST, 0);
    if (node->running) { /* else it is started anyway, or it is a clone that was switched off */
        xd_sim_node_restart(node, XD_SECOND_MS, XD_DISK_LOST, 0);
    }
}

/* A sync fails and takes what it should have written for clean, as Linux does; the program
 * stops, comes back and reads it as if it were on the disk; some time later the power fails. */
static void fail_sync_then_power(struct xd_sim *sim) {
    struct xd_sim_node *node = some_node(sim, XD_FAULT_SYNC_LOST);
    uint64_t which = xd_chance_below(chance_of(sim, XD_FAULT_SYNC_LOST), 40) + 1;
    xd_ms later = some_time(sim, XD_FAULT_SYNC_LOST, 10 * XD_SECOND_MS, 2 * XD_HOUR_MS);
    if (node->running) {
        node->cache_stays = true;
        xd_disk_fail(node->disk, XD_DISK_SYNC, which, false, 1034 /* SQLITE_IOERR_FSYNC */);
        xd_agenda_add(&sim->agenda, sim->now + later, cache_is_lost, node, 0);
    }
}

static void forgets(struct xd_sim *sim, struct xd_sim_site *site, xd_ms from) {
    site->amnesia_from = site->amnesia_to == 0 || from < site->amnesia_from ? from : site->amnesia_from;
    site->amnesia_to = sim->now;
}

/* What is damaged, and nobody knows, is no good copy. */
static void copy_disk(struct xd_sim_node *node) {
    if (node->number != 0 && xd_sim_site_of(node)->damaged) {
        return;
    }
    xd_disk_image_free(node->copy);
    node->copy = xd_disk_copy(node->disk);
    node->copied_at = node->sim->now;
}

static void lie_ends(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_site *site = object;
    if (site->node.running) {
        kill_node(sim, XD_FAULT_SITE_LYING_SYNC, &site->node, true);
    }
    xd_disk_lie(site->node.disk, false);
    forgets(sim, site, (xd_ms)argument);
}

static void lie(struct xd_sim *sim) {
    struct xd_sim_site *site = some_site(sim, XD_FAULT_SITE_LYING_SYNC);
    if (site->node.copy == NULL) {
        copy_disk(&site->node); /* no store outlives such a disk for certain: it is for a backup */
    }
    xd_disk_lie(site->node.disk, true);
    forgets(sim, site, sim->now); /* when the power fails in between, too */
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, XD_FAULT_SITE_LYING_SYNC, XD_MINUTE_MS, XD_HOUR_MS),
                  lie_ends, site, (uint64_t)sim->now);
}

static void old_copy_returns(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    if (node->copy == NULL || node->copied_at != (xd_ms)argument) {
        return; /* another one was made meanwhile */
    }
    xd_sim_tell(sim, node->name, "is set back by %lld ms", (long long)(sim->now - node->copied_at));
    xd_sim_node_restart(node, XD_SECOND_MS, XD_DISK_KEPT, 0);
    xd_disk_restore(node->disk, node->copy);
    if (node->number == 0) {
        sim->hub_amnesia_from = sim->hub_amnesia_to == 0 ? node->copied_at : sim->hub_amnesia_from;
        sim->hub_amnesia_to = sim->now;
    } else {
        forgets(sim, &sim->sites[node->number - 1], node->copied_at);
    }
}

static void keep_old_copy(struct xd_sim *sim, enum xd_fault fault, struct xd_sim_node *node) {
    copy_disk(node);
    xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_MINUTE_MS, 8 * XD_HOUR_MS),
                  old_copy_returns, node, (uint64_t)node->copied_at);
}

static void garble(struct xd_sim *sim) {
    struct xd_sim_site *site = some_site(sim, XD_FAULT_SITE_GARBLED);
    unsigned flipped = 0;
    if (!site->node.running) {
        return;
    }
    copy_disk(&site->node);
    site->garbled = true;
    xd_sim_node_restart(&site->node, XD_SECOND_MS, XD_DISK_KEPT, 0);
    for (unsigned bit = 0; bit < GARBLED_BITS; bit++) {
        uint64_t random = xd_chance_next(chance_of(sim, XD_FAULT_SITE_GARBLED));
        flipped += xd_disk_flip(site->node.disk, "agent.db", random);
    }
    site->damaged = site->damaged || flipped > 0;
    xd_sim_tell(sim, site->name_text, "%u bits of its file are garbled", flipped);
    forgets(sim, site, sim->now);
}

/* Somebody has `fsck` look at it. */
static void damage_is_found(struct xd_sim_site *site) {
    if (site->damaged) {
        site->corrupt_told = true;
        xd_sim_node_restart(&site->node, XD_SECOND_MS, XD_DISK_KEPT, 0);
    }
}

/* ---- memory ---- */

static void starve_again(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    node->fail_alloc_at = sim->healing ? 0 : argument;
}

/* It comes in company: some turns of the next minute lack it as well. A message takes few
 * allocations, a full batch many. */
static void starve(struct xd_sim *sim, enum xd_fault fault, struct xd_sim_node *node) {
    node->fail_alloc_at = (uint64_t)xd_chance_spread(chance_of(sim, fault), 1, ALLOCATIONS);
    for (uint64_t more = xd_chance_below(chance_of(sim, fault), 8); more > 0; more--) {
        xd_ms after = xd_chance_between(chance_of(sim, fault), 1, XD_MINUTE_MS);
        int64_t fails = xd_chance_spread(chance_of(sim, fault), 1, ALLOCATIONS);
        xd_agenda_add(&sim->agenda, sim->now + after, starve_again, node, (uint64_t)fails);
    }
}

/* ---- clocks ---- */

static void thaw(struct xd_sim *sim, void *object, uint64_t argument) {
    struct xd_sim_node *node = object;
    (void)sim;
    (void)argument;
    node->frozen_at = 0;
}

static void clock_goes_wrong(struct xd_sim *sim, enum xd_fault fault) {
    struct xd_sim_node *node = some_node(sim, fault);
    struct xd_chance *chance = chance_of(sim, fault);
    switch (fault) {
    case XD_FAULT_CLOCK_JUMP:
        node->wall_offset = xd_chance_between(chance, -3650, 3650) * XD_DAY_MS;
        break;
    case XD_FAULT_CLOCK_FREEZE:
        node->frozen_at = sim->now;
        xd_agenda_add(&sim->agenda, sim->now + some_time(sim, fault, XD_MINUTE_MS, XD_DAY_MS), thaw, node, 0);
        break;
    default:
        node->drift_ppm = xd_chance_between(chance, -20000, 20000);
        break;
    }
}

/* ---- forgeries ---- */

static void overwrite(char *body, const char *member, char letter) {
    char *place = strstr(body, member);
    if (place != NULL) {
        place[strlen(member)] = letter;
    }
}

/* Who listens in can do all but sign: a document that nobody sent, beyond what came so far. */
static void make_up(char *body) {
    overwrite(body, "\"sequence\":\"", '9');
    overwrite(body, "\"confirmation_id\":\"", 'X');
    overwrite(body, "\"advice_id\":\"", 'X');
}

static void forge(struct xd_sim *sim, enum xd_fault fault) {
    size_t kept = sizeof sim->recorded / sizeof sim->recorded[0];
    kept = sim->recorded_count < kept ? sim->recorded_count : kept;
    if (kept == 0) {
        return;
    }
    const struct xd_sim_message *of = sim->recorded[xd_chance_below(chance_of(sim, fault), kept)];
    char *body = xd_host_alloc(of->size + 1);
    memcpy(body, of->body, of->size);
    char exchange[64], signature[XD_SIGNATURE_SIZE];
    xd_copy(exchange, sizeof exchange, of->exchange);
    xd_copy(signature, sizeof signature, of->signature);
    if (fault == XD_FAULT_FORGED_SIGNATURE) {
        signature[strlen(signature) - 1] = signature[strlen(signature) - 1] == '0' ? '1' : '0';
        make_up(body);
    } else if (fault == XD_FAULT_FORGED_SITE) {
        (void)snprintf(exchange, sizeof exchange, "crossdock.up.%s", some_site(sim, fault)->name_text);
    }
    xd_sim_push(sim, &sim->hub_node, 1, exchange, of->user, signature, xd_bytes_of(body, of->size));
    xd_host_free(body);
}

/* ---- when ---- */

static void strike_machine(struct xd_sim *sim, enum xd_fault fault) {
    switch (fault) {
    case XD_FAULT_HUB_KILL:
    case XD_FAULT_HUB_POWER:
        kill_node(sim, fault, &sim->hub_node, fault == XD_FAULT_HUB_POWER);
        break;
    case XD_FAULT_SITE_KILL:
    case XD_FAULT_SITE_POWER:
        kill_node(sim, fault, some_machine(sim, fault), fault == XD_FAULT_SITE_POWER);
        break;
    case XD_FAULT_HUB_HANG:
        hang(sim, fault, &sim->hub_node);
        break;
    case XD_FAULT_SITE_HANG:
        hang(sim, fault, some_machine(sim, fault));
        break;
    case XD_FAULT_KILL_TWICE:
        kill_twice(sim);
        break;
    case XD_FAULT_HUB_DISK_FULL:
        fill_disk(sim, fault, &sim->hub_node);
        break;
    case XD_FAULT_SITE_DISK_FULL:
        fill_disk(sim, fault, some_machine(sim, fault));
        break;
    case XD_FAULT_WRITE_ERROR:
        fail_disk(sim, fault, XD_DISK_WRITE, 778 /* SQLITE_IOERR_WRITE */);
        break;
    case XD_FAULT_SYNC_ERROR:
        fail_disk(sim, fault, XD_DISK_SYNC, 1034 /* SQLITE_IOERR_FSYNC */);
        break;
    case XD_FAULT_READ_ERROR:
        fail_disk(sim, fault, XD_DISK_READ, 266 /* SQLITE_IOERR_READ */);
        break;
    case XD_FAULT_SITE_LYING_SYNC:
        lie(sim);
        break;
    case XD_FAULT_SITE_OLD_COPY:
        keep_old_copy(sim, fault, &some_site(sim, fault)->node);
        break;
    case XD_FAULT_HUB_OLD_COPY:
        keep_old_copy(sim, fault, &sim->hub_node);
        break;
    case XD_FAULT_SITE_GARBLED:
        garble(sim);
        break;
    case XD_FAULT_SYNC_LOST:
        fail_sync_then_power(sim);
        break;
    case XD_FAULT_SITE_CLONE:
        xd_sim_clone(sim, some_site(sim, fault), chance_of(sim, fault));
        break;
    case XD_FAULT_HUB_NO_MEMORY:
        starve(sim, fault, &sim->hub_node);
        break;
    default:
        starve(sim, fault, some_machine(sim, fault));
        break;
    }
}

/* More than before, or less, or nothing of it. */
static void stock_is_listed(struct xd_sim *sim, enum xd_fault fault) {
    unsigned site = (unsigned)xd_chance_below(chance_of(sim, fault), sim->site_count), qty[2];
    for (unsigned sku = 0; sku < 2; sku++) {
        qty[sku] = (unsigned)xd_chance_spread(chance_of(sim, fault), 1, 2000) - 1;
    }
    xd_sim_errands_list(sim, site, qty);
}

static void strike(struct xd_sim *sim, enum xd_fault fault) {
    switch (fault) {
    case XD_FAULT_LINE_CUT:
    case XD_FAULT_LINE_WEEK:
        break_line(sim, fault, true, true, fault == XD_FAULT_LINE_WEEK ? 14 * XD_DAY_MS : 2 * XD_HOUR_MS);
        break;
    case XD_FAULT_LINE_FLAP:
        for (unsigned times = 0; times < 5; times++) {
            break_line(sim, fault, true, true, 30 * XD_SECOND_MS);
        }
        break;
    case XD_FAULT_LINE_DEAD_UP:
    case XD_FAULT_LINE_DEAD_DOWN:
        break_line(sim, fault, fault == XD_FAULT_LINE_DEAD_UP, fault == XD_FAULT_LINE_DEAD_DOWN, XD_HOUR_MS);
        break;
    case XD_FAULT_LINE_SLOW:
        line_slows(sim, fault);
        break;
    case XD_FAULT_BROKER_KILL:
    case XD_FAULT_BROKER_WIPE:
        broker_dies(sim, fault);
        break;
    case XD_FAULT_BROKER_PURGE_HUB:
        xd_sim_purge(sim->hub_node.queue);
        break;
    case XD_FAULT_BROKER_PURGE_SITE:
        xd_sim_purge(some_site(sim, fault)->node.queue);
        break;
    case XD_FAULT_BROKER_BLOCKED:
    case XD_FAULT_BROKER_UNBOUND:
        broker_sulks(sim, fault);
        break;
    case XD_FAULT_BROKER_REDELIVER:
        redeliver(sim, fault);
        break;
    case XD_FAULT_WMS_DOWN:
        wms_leaves(sim, fault);
        break;
    case XD_FAULT_ERP_DOWN:
        sim->erp_down_until = sim->now + some_time(sim, fault, XD_SECOND_MS, 4 * XD_HOUR_MS);
        break;
    case XD_FAULT_ERP_STOCK:
        stock_is_listed(sim, fault);
        break;
    case XD_FAULT_CLOCK_JUMP:
    case XD_FAULT_CLOCK_FREEZE:
    case XD_FAULT_CLOCK_DRIFT:
        clock_goes_wrong(sim, fault);
        break;
    case XD_FAULT_FORGED_SIGNATURE:
    case XD_FAULT_FORGED_SITE:
    case XD_FAULT_REPLAYED:
        forge(sim, fault);
        break;
    default:
        strike_machine(sim, fault);
        break;
    }
}

static void happens(struct xd_sim *sim, void *object, uint64_t argument) {
    enum xd_fault fault = (enum xd_fault)argument;
    (void)object;
    if (sim->now >= sim->heal_at) {
        return;
    }
    sim->figures->faults[fault]++;
    xd_sim_tell(sim, "world", "%s", xd_fault_kinds[fault].name);
    strike(sim, fault);
    next(sim, fault);
}

static void next(struct xd_sim *sim, enum xd_fault fault) {
    xd_ms gap = XD_DAY_MS * 1000 / sim->rate[fault] / sim->site_count;
    xd_agenda_add(&sim->agenda, sim->now + xd_chance_between(chance_of(sim, fault), 1, 2 * gap), happens,
                  NULL, (uint64_t)fault);
}

void xd_sim_trouble_start(struct xd_sim *sim) {
    for (unsigned fault = 0; fault < XD_FAULT_COUNT; fault++) {
        if (sim->rate[fault] != 0 && xd_fault_kinds[fault].day_max != 0) {
            next(sim, (enum xd_fault)fault);
        }
    }
}

static void heal_node(struct xd_sim *sim, struct xd_sim_node *node) {
    node->full = false;
    node->frozen_at = 0;
    node->drift_ppm = 0;
    node->fail_alloc_at = 0;
    xd_disk_capacity(node->disk, 0);
    xd_disk_fail(node->disk, XD_DISK_READ, 0, false, 0);
    xd_disk_fail(node->disk, XD_DISK_WRITE, 0, false, 0);
    xd_disk_fail(node->disk, XD_DISK_SYNC, 0, false, 0);
    if (!node->open_up || !node->open_down) {
        line_heals(sim, node, 0);
    }
}

void xd_sim_heal(struct xd_sim *sim) {
    sim->healing = true;
    xd_sim_tell(sim, "world", "is healed");
    sim->erp_down_until = 0;
    for (unsigned index = 0; index <= sim->site_count; index++) {
        struct xd_sim_node *node = index == 0 ? &sim->hub_node : &sim->sites[index - 1].node;
        heal_node(sim, node);
        if (index > 0) {
            damage_is_found(&sim->sites[index - 1]);
        }
        if (xd_sim_twin_of(node) != NULL) {
            heal_node(sim, xd_sim_twin_of(node));
        }
        if (index > 0 && sim->sites[index - 1].clones > 0) {
            xd_sim_wms_ask(&sim->sites[index - 1]);
        }
        if (index > 0 && !sim->sites[index - 1].wms_up) {
            wms_returns(sim, &sim->sites[index - 1], 0);
        }
    }
    if (!sim->broker_up) {
        broker_starts(sim, NULL, 0);
    }
    broker_mends(sim, NULL, 0);
    xd_sim_errands_heal(sim);
}
