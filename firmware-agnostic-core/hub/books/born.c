/* Sales that people type into the ERP.
 *
 * One that is open becomes an order like any other, and enters behind posting: the ERP has it already, so its
 * sale is a job that is done, and the order is reserved, routed and released. It is known by its number; the
 * hub's name for it at the ERP is = and that number (hub/erp.h). It ships from the site that the ERP says and
 * from no other. What the ERP says of it later is a revision or a cancellation of the order, with all that
 * this means: what a site has is asked back. */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "hub/events/events.h"
#include "hub/orchestration/conduct.h"
#include "hub/validate.h"

#include <stdio.h>
#include <string.h>

/* No channel's sale is called so: that has the order's number behind others. */
bool xd_books_is_born(const struct xd_order_row *order) {
    return order->sale_reference[0] == '=' &&
           strcmp(order->sale_reference + 1, order->external_order_id) == 0;
}

void xd_books_order_id(const struct xd_hub *hub, const char *erp, const char *number, char out[XD_ID_SIZE]) {
    char name[XD_BOOKS_NAME_SIZE * 2 + 8];
    snprintf(name, sizeof name, "erp/%s/%s", erp, number);
    xd_hub_id(hub, "O", name, out);
}

void xd_books_reference(const char *number, char *out, size_t size) {
    snprintf(out, size, "=%s", number);
}

static enum xd_result wait_for(struct xd_books_why *why, const char *code, const char *detail) {
    why->code = code;
    xd_copy(why->detail, sizeof why->detail, detail);
    return XD_AGAIN;
}

/* The first of what is wrong with it, with where. */
static enum xd_result wait_for_problem(struct xd_hub *hub, struct xd_books_why *why) {
    const struct xd_problem *first = &hub->problems.items[0];
    char detail[XD_BOOKS_VALUE_SIZE];
    for (size_t index = 0; index < hub->problems.count && first->warning; index++) {
        first = &hub->problems.items[index];
    }
    snprintf(detail, sizeof detail, "%.60s: %.130s", first->pointer, first->detail);
    return wait_for(why, "ERP_SALE_REFUSED", detail);
}

const char *xd_books_tenant_of(const struct xd_hub *hub, const char *erp) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        const struct xd_erp_settings *settings = &hub->config.erps[index];
        if (strcmp(settings->name, erp) == 0 && settings->tenant_count > 0) {
            return settings->tenants[0];
        }
    }
    return hub->config.books.tenant != NULL ? hub->config.books.tenant : XD_BOOKS_TENANT;
}

/* ---- as an order ---- */

static void write_line(struct xd_writer *writer, const struct xd_entry_line *line) {
    if (line->has_qty && xd_decimal_sign(line->qty) <= 0) {
        return; /* nothing of it is wanted */
    }
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line->line_id);
    xd_writer_text(writer, "external_line_id", line->line_id);
    xd_writer_text(writer, "sku", line->sku);
    xd_writer_decimal(writer, "qty", line->qty);
    xd_writer_text(writer, "uom", line->uom);
    if (line->has_unit_price) {
        xd_writer_decimal(writer, "unit_price", line->unit_price);
    }
    xd_writer_end(writer, '}');
}

/* Where the ERP's people leave the country out, it is the one that the configuration names. */
static const char *country_of(const struct xd_hub *hub, const char *erp) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        if (strcmp(hub->config.erps[index].name, erp) == 0) {
            return hub->config.erps[index].country;
        }
    }
    return NULL;
}

static void write_ship_to(struct xd_writer *writer, const cJSON *ship_to, const char *country) {
    const char *own = xd_json_text(ship_to, "country");
    if (country == NULL || (own != NULL && own[0] != 0) || !cJSON_IsObject(ship_to)) {
        xd_writer_tree(writer, "ship_to", ship_to);
        return;
    }
    xd_writer_begin(writer, "ship_to", '{');
    for (const cJSON *member = ship_to->child; member != NULL; member = member->next) {
        if (strcmp(member->string, "country") != 0) {
            xd_writer_tree(writer, member->string, member);
        }
    }
    xd_writer_text(writer, "country", country);
    xd_writer_end(writer, '}');
}

/* As a channel would send it. */
static enum xd_result write_order(const struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                                  struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "external_order_id", entry->number);
    xd_writer_begin(&writer, "channel", '{');
    xd_writer_text(&writer, "type", XD_CLIENT_ERP);
    xd_writer_text(&writer, "account", erp);
    xd_writer_end(&writer, '}');
    xd_writer_begin(&writer, "customer", '{');
    xd_writer_text(&writer, "id", entry->customer);
    xd_writer_end(&writer, '}');
    xd_writer_text(&writer, "customer_po", entry->customer_po);
    xd_writer_text(&writer, "currency", entry->currency);
    xd_writer_text(&writer, "ordered_at", entry->ordered_at);
    xd_writer_text(&writer, "preferred_site", entry->site);
    xd_writer_begin(&writer, "parties", '{');
    write_ship_to(&writer, entry->ship_to, country_of(hub, erp));
    xd_writer_end(&writer, '}');
    xd_writer_begin(&writer, "lines", '[');
    for (size_t index = 0; index < entry->line_count; index++) {
        write_line(&writer, &entry->lines[index]);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
    return xd_buffer_result(out);
}

/* An order that is taken: what is read of its document lives as long as that. */
struct taking {
    struct xd_hub *hub;
    const char *erp;
    const struct xd_erp_entry *entry;
    struct xd_now now;
    struct xd_books_why *why;
    struct xd_document document;
    struct xd_order order;
    struct xd_enriched enriched;
    struct xd_buffer body;
};

/* XD_AGAIN: something lacks here. */
static enum xd_result read_order(struct taking *taking) {
    struct xd_hub *hub = taking->hub;
    xd_problems_clear(&hub->problems);
    enum xd_result result = write_order(hub, taking->erp, taking->entry, &taking->body);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&taking->body), &taking->document, &hub->problems);
    }
    if (result == XD_OK) {
        result = xd_order_read(&taking->document, &taking->order, &hub->problems);
    }
    if (result == XD_OK) {
        result = xd_hub_validate(hub, xd_books_tenant_of(hub, taking->erp), &taking->order, taking->now.wall,
                                 &taking->enriched, &hub->problems);
    }
    return result == XD_INVALID ? wait_for_problem(hub, taking->why) : result;
}

static enum xd_result may_be_taken(struct taking *taking, bool adopt) {
    const struct xd_erp_entry *entry = taking->entry;
    struct xd_books_why *why = taking->why;
    char detail[XD_BOOKS_VALUE_SIZE];
    if (entry->site == NULL) {
        return wait_for(why, "ERP_SALE_REFUSED",
                        "Neither the sale nor a shipment of it says which site ships it.");
    }
    if (xd_hub_site_find(taking->hub, entry->site) == NULL) {
        snprintf(detail, sizeof detail, "There is no site %.60s.", entry->site);
        return wait_for(why, "ERP_SALE_REFUSED", detail);
    }
    if (entry->ship_to == NULL) {
        return wait_for(why, "ERP_SALE_REFUSED", "The sale says no address that it is shipped to.");
    }
    for (size_t index = 0; index < entry->line_count && !adopt; index++) {
        if (xd_decimal_sign(entry->lines[index].shipped) > 0) {
            return wait_for(why, "ERP_SALE_REFUSED", "Something of it was shipped in the ERP already.");
        }
    }
    return XD_OK;
}

static void fill_row(const struct taking *taking, struct xd_order_row *row) {
    const struct xd_order *order = &taking->order;
    memset(row, 0, sizeof *row);
    xd_books_reference(order->external_order_id, row->sale_reference, sizeof row->sale_reference);
    xd_books_order_id(taking->hub, taking->erp, order->external_order_id, row->order_id);
    xd_copy(row->tenant, sizeof row->tenant, xd_books_tenant_of(taking->hub, taking->erp));
    xd_copy(row->client, sizeof row->client, XD_CLIENT_ERP);
    xd_copy(row->channel_type, sizeof row->channel_type, order->channel_type);
    xd_copy(row->channel_account, sizeof row->channel_account, order->channel_account);
    xd_copy(row->external_order_id, sizeof row->external_order_id, order->external_order_id);
    xd_copy(row->customer_ref, sizeof row->customer_ref, order->customer_id);
    if (taking->enriched.customer_is_code) {
        xd_copy(row->customer_code, sizeof row->customer_code, taking->enriched.customer);
    }
    xd_copy(row->customer_po, sizeof row->customer_po, order->customer_po);
    xd_copy(row->currency, sizeof row->currency, order->currency);
    xd_copy(row->site, sizeof row->site, order->preferred_site);
    xd_copy(row->correlation_id, sizeof row->correlation_id, row->order_id);
    xd_copy(row->erp, sizeof row->erp, taking->erp);
    row->ship_by = xd_hub_ship_by(order->requested_ship, order->ship_not_after);
    row->status = XD_ORDER_RECEIVED;
    row->revision = 1;
    /* Credit is the ERP's matter, and so is whoever is asked about orders of channels. */
    row->steps = XD_STEP_BIT(XD_STEP_CHECK) | XD_STEP_BIT(XD_STEP_CREDIT);
    row->hash = taking->document.hash;
    row->received_at = row->updated_at = taking->now.wall;
    row->body = xd_buffer_view(&taking->body);
}

static enum xd_result fill_lines(const struct taking *taking, struct xd_conduct *conduct) {
    size_t count = taking->order.line_count;
    enum xd_result result = XD_OK;
    conduct->lines.rows = xd_alloc(count * sizeof *conduct->lines.rows);
    if (conduct->lines.rows == NULL) {
        return XD_NO_MEMORY;
    }
    conduct->lines.count = count;
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        const struct xd_enriched *enriched = &taking->enriched;
        result = xd_hub_line_fill(&taking->order.lines[index],
                                  index < enriched->line_count ? &enriched->lines[index] : NULL, index,
                                  &conduct->lines.rows[index]);
    }
    return result;
}

/* The ERP has it: nothing is posted, and nothing of it is told again. */
static enum xd_result is_posted(const struct taking *taking, struct xd_conduct *conduct) {
    const struct xd_order_row *order = &conduct->order;
    char quoted[XD_QUOTED_SIZE];
    enum xd_result result = xd_sale_born(conduct, taking->entry->number);
    conduct->order.steps |= XD_STEP_BIT(XD_STEP_POST);
    if (result == XD_OK) {
        result =
            xd_hub_timeline(taking->hub, order, "order.accepted", taking->now, "\"erp\":\"%s\",\"sale\":%s",
                            taking->erp, xd_hub_quote(taking->entry->number, quoted));
    }
    if (result != XD_OK) {
        return result;
    }
    struct xd_order_row row = xd_conduct_row(conduct);
    return xd_hub_event(taking->hub, &row, XD_EVENT_ACCEPTED, taking->now,
                        "\"erp\":\"%s\",\"erp_document\":%s", taking->erp, quoted);
}

static enum xd_result take_order(struct taking *taking) {
    struct xd_conduct conduct = {.hub = taking->hub, .now = taking->now, .parsed = &taking->order};
    fill_row(taking, &conduct.order);
    enum xd_result result = fill_lines(taking, &conduct);
    if (result == XD_OK) {
        result = xd_conduct_start(&conduct, "order.born_in_erp");
    }
    if (result == XD_OK) {
        result = is_posted(taking, &conduct);
    }
    return xd_conduct_end(&conduct, result == XD_OK ? xd_conduct_go(&conduct) : result);
}

static enum xd_result take(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry, bool adopt,
                           struct xd_now now, struct xd_books_why *why) {
    const struct xd_hub_store *store = hub->config.store;
    struct taking taking = {.hub = hub, .erp = erp, .entry = entry, .now = now, .why = why};
    struct xd_order_row known;
    xd_buffer_init(&taking.body, 0);
    enum xd_result result = may_be_taken(&taking, adopt);
    if (result == XD_OK) {
        result = read_order(&taking);
    }
    if (result == XD_OK) {
        result = store->order_find(store->context, xd_books_tenant_of(hub, erp), erp, entry->number, &known);
        result = result == XD_OK
                     ? wait_for(why, "ERP_SALE_REFUSED",
                                "A channel that is called as the ERP has sent an order of this number.")
                     : result;
    }
    if (result == XD_NOT_FOUND) {
        result = take_order(&taking);
        hub->books->counters.born += result == XD_OK;
    }
    xd_enriched_free(&taking.enriched);
    xd_document_free(&taking.document);
    xd_buffer_free(&taking.body);
    return result;
}

/* ---- as it changes ---- */

static struct xd_entry_line *line_of(struct xd_erp_entry *entry, const char *line_id) {
    for (size_t index = 0; index < entry->line_count; index++) {
        if (strcmp(entry->lines[index].line_id, line_id) == 0) {
            return &entry->lines[index];
        }
    }
    return NULL;
}

/* What the entry says of a line, and whether that is news: neither what the order wants of it (ordered, less
 * what is cancelled or asked back), nor what the ERP was told of it last, which stays there when a shipment
 * closes the line, or while a change that the ERP refused waits for a person. *wanted: in the line's unit. */
static enum xd_result look_at_line(const struct xd_order_line_row *row, const struct xd_entry_line *line,
                                   struct xd_decimal cancelling, struct xd_decimal told, bool *news,
                                   struct xd_decimal *wanted) {
    struct xd_decimal there = line != NULL ? line->base_qty : xd_decimal_of(0), base = xd_decimal_of(0);
    enum xd_result result = xd_decimal_subtract(row->ordered, cancelling, wanted);
    if (result == XD_OK) {
        result = xd_decimal_ratio(*wanted, row->factor_num, row->factor_den, &base);
    }
    *news = result == XD_OK && xd_decimal_compare(base, there) != 0 && xd_decimal_compare(told, there) != 0;
    return result;
}

/* Whether the entry says anything new. What it says that is none is replaced in it by what the order wants,
 * so that a change of another line changes nothing of that one. */
static enum xd_result read_news(struct xd_conduct *conduct, struct xd_erp_entry *entry, bool *any) {
    struct xd_decimal *cancelling = NULL, *told = NULL;
    enum xd_result result = xd_conduct_cancelling(conduct, &cancelling);
    *any = false;
    if (result == XD_OK) {
        result = xd_sale_told(conduct, &told);
    }
    for (size_t index = 0; index < conduct->lines.count && result == XD_OK; index++) {
        const struct xd_order_line_row *row = &conduct->lines.rows[index];
        struct xd_entry_line *line = line_of(entry, row->line_id);
        struct xd_decimal wanted;
        bool news = false;
        result = look_at_line(row, line, cancelling[index], told[index], &news, &wanted);
        *any = *any || news;
        if (result == XD_OK && !news && line != NULL) {
            line->qty = wanted;
            line->uom = row->uom;
            line->has_unit_price = row->has_unit_price;
            line->unit_price = row->unit_price;
        }
    }
    for (size_t index = 0; index < entry->line_count && !*any; index++) {
        *any = xd_conduct_line(conduct, entry->lines[index].line_id) == NULL &&
               !xd_decimal_is_zero(entry->lines[index].qty);
    }
    xd_free(cancelling);
    xd_free(told);
    return result;
}

static bool wants_nothing(const struct xd_erp_entry *entry) {
    bool any = false;
    for (size_t index = 0; index < entry->line_count; index++) {
        any = any || xd_decimal_sign(entry->lines[index].qty) > 0;
    }
    return !any || xd_entry_is(entry, "cancelled");
}

/* As the API would ask for it; its answer is nobody's. */
static enum xd_result wish(struct xd_hub *hub, const struct xd_order_row *order, struct xd_bytes body,
                           bool cancels, struct xd_now now, struct xd_books_why *why) {
    struct xd_client_row client = {.role = "operator"};
    struct xd_effects answer;
    xd_copy(client.client, sizeof client.client, XD_CLIENT_ERP);
    xd_copy(client.tenant, sizeof client.tenant, order->tenant);
    const struct xd_api_request request = {
        .client = &client, .id = order->order_id, .if_match = "*", .body = body};
    xd_effects_init(&answer, NULL);
    enum xd_result result = cancels ? xd_hub_order_cancel(hub, &request, now, &answer)
                                    : xd_hub_order_revise(hub, &request, now, &answer);
    bool refused = result == XD_OK && answer.count > 0 && answer.items[0].status >= 400;
    hub->books->counters.changed += result == XD_OK && !refused;
    if (refused && hub->problems.errors > 0) {
        result = wait_for_problem(hub, why);
    } else if (refused) {
        result =
            wait_for(why, "ERP_SALE_REFUSED",
                     "It was changed in the ERP in a way that its order cannot follow: something of it is "
                     "with a site, or it is at its end.");
    }
    xd_effects_free(&answer);
    return result;
}

static enum xd_result change(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                             const struct xd_order_row *order, struct xd_now now, struct xd_books_why *why) {
    static const char cancelled[] = "{\"reason\":\"cancelled in the ERP\"}";
    struct xd_buffer body;
    if (wants_nothing(entry)) {
        return order->cancelled ? XD_OK : wish(hub, order, xd_bytes_of_text(cancelled), true, now, why);
    }
    xd_buffer_init(&body, 0);
    enum xd_result result = write_order(hub, erp, entry, &body);
    if (result == XD_OK) {
        result = wish(hub, order, xd_buffer_view(&body), false, now, why);
    }
    xd_buffer_free(&body);
    return result;
}

static bool is_end(int status) {
    return status == XD_ORDER_REJECTED || status == XD_ORDER_SHIPPED || status == XD_ORDER_CLOSED_SHORT ||
           status == XD_ORDER_INVOICED || status == XD_ORDER_CANCELLED;
}

/* One that is at its end here is compared, not followed. Of one that a site gave back not all is known before
 * the ERP has said it. */
static enum xd_result follow(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                             const char *order_id, struct xd_now now, struct xd_books_why *why) {
    struct xd_conduct conduct;
    struct xd_order_row order;
    struct xd_erp_entry own = *entry;
    bool news = false;
    enum xd_result result = xd_conduct_open(&conduct, hub, order_id, now);
    bool follows = result == XD_OK && xd_books_is_born(&conduct.order) && !conduct.order.changing &&
                   !is_end(conduct.order.status) && !xd_entry_is(entry, "draft");
    own.lines = follows ? xd_alloc((entry->line_count + 1) * sizeof *own.lines) : NULL;
    if (follows && own.lines == NULL) {
        result = XD_NO_MEMORY;
    } else if (follows) {
        memcpy(own.lines, entry->lines, entry->line_count * sizeof *own.lines);
        result = read_news(&conduct, &own, &news);
        news = news || strcmp(conduct.order.client, XD_CLIENT_ADOPTED) == 0;
    }
    order = conduct.order;
    if (result == XD_OK && (news || (follows && xd_entry_is(entry, "cancelled")))) {
        result = change(hub, erp, &own, &order, now, why); /* its lines borrow of the conduct's */
    }
    xd_conduct_close(&conduct);
    xd_free(own.lines);
    return result;
}

enum xd_result xd_books_sale(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                             bool adopt, struct xd_now now, struct xd_books_why *why) {
    struct xd_job_row job;
    enum xd_result result = xd_books_find_sale(hub, erp, entry->reference, entry->number, &job);
    if (result == XD_OK) {
        return follow(hub, erp, entry, job.order_id, now, why);
    }
    if (result != XD_NOT_FOUND) {
        return result;
    }
    bool taken = xd_entry_is(entry, "open") && (adopt || entry->reference == NULL);
    return taken ? take(hub, erp, entry, adopt, now, why) : XD_OK;
}
