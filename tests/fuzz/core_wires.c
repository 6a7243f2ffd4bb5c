/* The broker between hub and site doubles, reorders, loses and garbles; strangers and a site gone bad send
 * what they like. */
#include "fuzz/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct wire *waiting(struct wire_queue *queue, unsigned nth) {
    for (struct wire *wire = queue->first; wire != NULL; wire = wire->next) {
        if (!wire->delivered && nth-- == 0) {
            return wire;
        }
    }
    return NULL;
}

static void push_again(struct wire_queue *queue, const struct wire *wire, const char *signature) {
    wire_push(queue, wire->exchange, wire->user, signature, xd_bytes_of(wire->body, wire->size));
}

static void garble(struct core *core, struct wire *wire) {
    if (wire->size > 0) {
        size_t at = (fuzz_byte(&core->input) | (size_t)fuzz_byte(&core->input) << 8) % wire->size;
        wire->body[at] = (char)(wire->body[at] ^ (1 + fuzz_below(&core->input, 255)));
    }
}

void core_wire(struct core *core) {
    struct hub_world *world = &core->world;
    struct wire_queue *queue = fuzz_below(&core->input, 2) == 0 ? &world->queue : &world->sites[0].queue;
    struct wire *wire = waiting(queue, fuzz_below(&core->input, 4));
    unsigned what = fuzz_below(&core->input, 8);
    if (wire == NULL) {
        return;
    }
    switch (what) {
    case 0: /* twice */
        push_again(queue, wire, wire->signature);
        break;
    case 1: /* overtaken by all others */
        push_again(queue, wire, wire->signature);
        wire_end(queue, wire->tag, false, false);
        break;
    case 2: /* lost with the broker's disk */
        wire_end(queue, wire->tag, false, false);
        break;
    case 3:
        garble(core, wire);
        break;
    case 4: /* by somebody who holds the key */
        garble(core, wire);
        if (core->honest) {
            break;
        }
        xd_sign(&world->sites[0].key, xd_bytes_of(wire->body, wire->size), wire->signature);
        core->byzantine = true;
        break;
    case 5:
        wire->signature[0] = '\0';
        break;
    case 6:
        (void)snprintf(wire->user, sizeof wire->user, "site-WH2");
        break;
    default:
        (void)snprintf(wire->exchange, sizeof wire->exchange, "crossdock.up.%s",
                       fuzz_below(&core->input, 2) == 0 ? "WH2" : "");
        break;
    }
}

/* ---- messages of the line itself, made up ---- */

static uint64_t some_number(struct core *core, uint64_t near) {
    switch (fuzz_below(&core->input, 5)) {
    case 0:
        return near;
    case 1:
        return near + fuzz_below(&core->input, 6);
    case 2:
        return near > 3 ? near - fuzz_below(&core->input, 4) : 1;
    case 3:
        return fuzz_byte(&core->input);
    default:
        return fuzz_u64(&core->input);
    }
}

static const char *some_epoch(struct core *core, const char *own, char out[XD_EPOCH_SIZE]) {
    unsigned what = fuzz_below(&core->input, 4);
    (void)snprintf(out, XD_EPOCH_SIZE, "%032x", what);
    return what < 2 && own[0] != '\0' ? own : out;
}

/* What `line` could hear of its own streams and of its peer's. */
static void make_link(struct core *core, const struct xd_line *line, struct xd_link *link,
                      char epochs[2 * XD_LANES_MAX][XD_EPOCH_SIZE]) {
    memset(link, 0, sizeof *link);
    link->session = fuzz_below(&core->input, 3) == 0 ? "other"
                    : line->session[0] != '\0'       ? line->session
                                                     : "s";
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_stream_row *ours = &line->send[lane].row, *theirs = &line->receive[lane].row;
        struct xd_link_receive *receive = &link->receive[lane];
        link->send[lane] = (struct xd_link_send){line->config.receive_lanes[lane],
                                                 some_epoch(core, theirs->epoch, epochs[lane]),
                                                 some_number(core, theirs->watermark + 1)};
        *receive =
            (struct xd_link_receive){.lane = line->config.send_lanes[lane],
                                     .epoch = some_epoch(core, ours->epoch, epochs[XD_LANES_MAX + lane]),
                                     .watermark = some_number(core, ours->watermark),
                                     .chain = ours->chain};
        if (fuzz_below(&core->input, 2) == 0) {
            memset(&receive->chain, fuzz_byte(&core->input), sizeof receive->chain);
        }
        if (fuzz_below(&core->input, 2) == 0 && receive->watermark < UINT64_MAX - 300) {
            receive->missing[0].first = receive->watermark + 1 + fuzz_below(&core->input, 4);
            receive->missing[0].last = receive->missing[0].first + fuzz_byte(&core->input);
            receive->missing_count = 1;
        }
        receive->conflict = fuzz_below(&core->input, 4) == 0 ? some_number(core, ours->watermark) : 0;
    }
    link->send_count = fuzz_below(&core->input, XD_LANES_MAX + 1);
    link->receive_count = fuzz_below(&core->input, XD_LANES_MAX + 1);
}

static void send_forged(struct core *core, bool to_hub, const struct xd_envelope *envelope,
                        struct xd_bytes data) {
    struct hub_world *world = &core->world;
    char signature[XD_SIGNATURE_SIZE];
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_envelope_write(envelope, data, &body);
    CHECK(xd_buffer_result(&body) == XD_OK);
    xd_sign(&world->sites[0].key, xd_buffer_view(&body), signature);
    if (core->honest ||
        fuzz_below(&core->input, 4) == 0) { /* without the key it must have no effect at all */
        signature[strlen(signature) - 1] ^= 1;
    } else {
        core->byzantine = true;
    }
    wire_push(to_hub ? &world->queue : &world->sites[0].queue, to_hub ? "crossdock.up.WH1" : "crossdock.down",
              to_hub ? "site-WH1" : "hub", signature, xd_buffer_view(&body));
    xd_buffer_free(&body);
}

static void forge_link(struct core *core, bool to_hub, struct xd_envelope *envelope) {
    static const char *const types[] = {XD_TYPE_HELLO, XD_TYPE_WELCOME, XD_TYPE_ACK};
    static struct xd_link link;
    static char epochs[2 * XD_LANES_MAX][XD_EPOCH_SIZE];
    struct xd_buffer data;
    xd_buffer_init(&data, 0);
    make_link(core, to_hub ? &core->world.hub.sites[0]->line : &core->world.sites[0].site.line, &link,
              epochs);
    xd_link_write(&link, &data);
    CHECK(xd_buffer_result(&data) == XD_OK);
    envelope->type = types[fuzz_below(&core->input, 3)];
    send_forged(core, to_hub, envelope, xd_buffer_view(&data));
    xd_buffer_free(&data);
}

static void forge_document(struct core *core, bool to_hub, struct xd_envelope *envelope) {
    static const char *const types[] = {XD_TYPE_CONFIRMATION,
                                        XD_TYPE_RESPONSE,
                                        XD_TYPE_INVENTORY,
                                        XD_TYPE_RELEASE,
                                        XD_TYPE_SETTLED,
                                        XD_TYPE_STATUS,
                                        "x"};
    static const char *const data[] = {"{}", "{\"confirmation_id\":\"C-1\"}",
                                       "{\"release_id\":\"R\",\"x\":[]}",
                                       "{\"site_id\":\"WH1\",\"time\":\"2026-11-23T10:00:00Z\"}"};
    const struct xd_line *line = to_hub ? &core->world.hub.sites[0]->line : &core->world.sites[0].site.line;
    char epoch[XD_EPOCH_SIZE];
    unsigned lane = fuzz_below(&core->input, XD_LANES_MAX);
    const struct xd_stream_row *row = &line->receive[lane].row;
    envelope->type = types[fuzz_below(&core->input, sizeof types / sizeof types[0])];
    if (fuzz_below(&core->input, 4) != 0) {
        envelope->lane = line->config.receive_lanes[lane];
        envelope->epoch = some_epoch(core, row->epoch, epoch);
        envelope->sequence = some_number(core, row->watermark + 1);
        envelope->sequence += envelope->sequence == 0;
        envelope->chain = row->chain;
    }
    send_forged(core, to_hub, envelope, xd_bytes_of_text(data[fuzz_below(&core->input, 4)]));
}

void core_forge(struct core *core) {
    bool to_hub = fuzz_below(&core->input, 2) == 0;
    struct xd_envelope envelope = {.id = "forged",
                                   .source = to_hub ? "/sites/WH1" : "/hub",
                                   .time = core->world.now.wall,
                                   .site = fuzz_below(&core->input, 8) == 0 ? "WH2" : "WH1"};
    if (!core->world.running || !core->world.sites[0].running) {
        return;
    }
    if (fuzz_below(&core->input, 2) == 0) {
        forge_link(core, to_hub, &envelope);
    } else {
        forge_document(core, to_hub, &envelope);
    }
}

/* ---- the broker's word, and connections ---- */

void core_confirm(struct core *core) {
    struct hub_world *world = &core->world;
    struct world_site *site = &world->sites[0];
    unsigned what = fuzz_below(&core->input, 6);
    if (what == 0) {
        world->confirm_count = 0; /* lost */
    } else if (what == 1) {
        site->confirm_count = 0;
    } else if (what == 2 && world->running) { /* returned, and then confirmed all the same */
        for (size_t i = 0; i < world->confirm_count; i++) {
            xd_hub_line_confirmed(&world->hub, world->confirms[i], false, world->now);
        }
    } else if (what == 3 && site->running) {
        for (size_t i = 0; i < site->confirm_count; i++) {
            xd_site_line_confirmed(&site->site, site->confirms[i], false, world->now);
        }
    } else if (site->running && world->running && !core->honest) { /* for what was never sent */
        uint64_t tag = fuzz_below(&core->input, 2) == 0 ? fuzz_byte(&core->input) : fuzz_u64(&core->input);
        xd_site_line_confirmed(&site->site, tag, what == 4, world->now);
        xd_hub_line_confirmed(&world->hub, tag, what == 5, world->now);
        core->byzantine = true; /* the broker lies about what it has; the line finds out, but not at once */
    }
}

void core_line(struct core *core) {
    struct hub_world *world = &core->world;
    struct world_site *site = &world->sites[0];
    unsigned what = fuzz_below(&core->input, 4);
    if (what == 0 && world->running) {
        xd_hub_line_down(&world->hub);
        world->confirm_count = 0;
        wire_lost_consumer(&world->queue);
    } else if (what == 1 && world->running) {
        xd_hub_line_up(&world->hub, world->now);
    } else if (what == 2 && site->running) {
        xd_site_line_down(&site->site);
        site->online = false;
        site->confirm_count = 0;
        wire_lost_consumer(&site->queue);
    } else if (what == 3 && site->running && !site->online) {
        xd_site_line_up(&site->site, world->now);
        site->online = true;
    }
}
