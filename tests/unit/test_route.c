/* Which site ships what, as a table: a question in a few words, and the plan that it must give.
 *
 * lines     SKU:qty[/unit] ...
 * sites     one each, parted by ';': name, words (3pl pN gone paused offline unheard closed), date=,
 * countries=, post=, skus=, refused=LINE,..., and SKU=qty of its stock; a site without any stock is one that
 * is not known, a SKU that is not named has 0 order     prefer= country= postal= not_after= cancel_after=
 * kill all available create none cancel manual no_split plan      decision: site line=qty ...;
 * backordered|cancelled|waiting line=qty ...; !site reason (none for chosen and not_needed) */
#include "documents/order.h"
#include "hub/orchestration/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 40u

struct question {
    struct xd_route_question asked;
    struct xd_route_line lines[LINES_MAX];
    struct xd_route_site sites[XD_ROUTE_SITES_MAX];
    struct xd_site_profile profiles[XD_ROUTE_SITES_MAX];
    struct xd_route_offer offers[XD_ROUTE_SITES_MAX * LINES_MAX];
    char texts[2048]; /* the words, cut */
    size_t text_size;
};

struct routing {
    const char *name, *lines, *sites, *order, *plan;
};

static struct xd_decimal d(const char *text) {
    struct xd_decimal value = {0, 0};
    if (xd_decimal_parse(text, &value) != XD_OK) {
        fail_msg("%s is no decimal", text);
    }
    return value;
}

static void put(char *out, size_t size, const char *text) {
    assert_true(strlen(text) < size);
    memcpy(out, text, strlen(text) + 1);
}

/* A copy that lives as long as the question and may be cut. */
static char *copy(struct question *question, const char *text) {
    size_t size = strlen(text) + 1;
    assert_true(question->text_size + size <= sizeof question->texts);
    char *out = question->texts + question->text_size;
    memcpy(out, text, size);
    question->text_size += size;
    return out;
}

static const char *value_of(const char *word, const char *name) {
    size_t size = strlen(name);
    return strncmp(word, name, size) == 0 && word[size] == '=' ? word + size + 1 : NULL;
}

static void read_lines(struct question *question, const char *text) {
    char *rest = NULL;
    for (char *word = strtok_r(copy(question, text), " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        struct xd_route_line *line = &question->lines[question->asked.line_count++];
        char *qty = strchr(word, ':');
        char *unit = strchr(word, '/');
        *qty++ = '\0';
        if (unit != NULL) {
            *unit++ = '\0';
            line->unit = d(unit);
        }
        line->sku = word;
        line->qty = d(qty);
    }
}

static size_t read_list(char *text, char *out, size_t element_size) {
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        put(out + count++ * element_size, element_size, word);
    }
    return count;
}

static bool read_flag(struct xd_route_site *site, struct xd_site_profile *profile, const char *word) {
    if (strcmp(word, "3pl") == 0) {
        profile->third_party = true;
    } else if (strcmp(word, "gone") == 0) {
        site->enrolled = false;
    } else if (strcmp(word, "paused") == 0) {
        profile->paused = true;
    } else if (strcmp(word, "offline") == 0) {
        site->healthy = false;
    } else if (strcmp(word, "unheard") == 0) {
        site->unheard = true;
    } else if (strcmp(word, "closed") == 0) {
        site->ship_date[0] = '\0';
    } else if (word[0] == 'p' && strchr(word, '=') == NULL) {
        profile->priority = strtol(word + 1, NULL, 10);
    } else {
        return false;
    }
    return true;
}

static void read_refused(struct question *question, struct xd_route_offer *offers, char *text) {
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        size_t line = strtoul(word, NULL, 10) - 1;
        assert_true(line < question->asked.line_count);
        offers[line].refused = true;
    }
}

static void read_stock(struct question *question, struct xd_route_offer *offers, const char *word) {
    bool found = false;
    for (size_t line = 0; line < question->asked.line_count; line++) {
        const char *qty = value_of(word, question->lines[line].sku);
        offers[line].known = true;
        if (qty != NULL) {
            offers[line].qty = d(qty);
            found = true;
        }
    }
    if (!found && strncmp(word, "OTHER=", 6) != 0) {
        fail_msg("what is %s?", word);
    }
}

static void read_site(struct question *question, char *text) {
    size_t number = question->asked.site_count++;
    struct xd_route_site *site = &question->sites[number];
    struct xd_site_profile *profile = &question->profiles[number];
    struct xd_route_offer *offers = &question->offers[number * question->asked.line_count];
    char *rest = NULL, *word = strtok_r(text, " ", &rest);
    put(profile->site, sizeof profile->site, word);
    profile->priority = 100;
    *site = (struct xd_route_site){profile, true, true, false, "2026-11-25"};
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        char *value = strchr(word, '=') + 1;
        if (read_flag(site, profile, word)) {
            continue;
        }
        if (value_of(word, "date") != NULL) {
            put(site->ship_date, sizeof site->ship_date, value);
        } else if (value_of(word, "countries") != NULL) {
            profile->country_count = read_list(value, profile->countries[0], sizeof profile->countries[0]);
        } else if (value_of(word, "post") != NULL) {
            profile->postal_count =
                read_list(value, profile->postal_prefixes[0], sizeof profile->postal_prefixes[0]);
        } else if (value_of(word, "skus") != NULL) {
            profile->sku_count = read_list(value, profile->skus[0], sizeof profile->skus[0]);
        } else if (value_of(word, "refused") != NULL) {
            read_refused(question, offers, value);
        } else {
            read_stock(question, offers, word);
        }
    }
}

static void read_order(struct xd_route_question *asked, char *text) {
    static const char *const fulfilment[] = {"kill", "all", "available"};
    static const char *const backorder[] = {"create", "none", "cancel", "manual"};
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        const char **members[] = {&asked->preferred_site, &asked->country, &asked->postal_code,
                                  &asked->ship_not_after, &asked->cancel_after};
        static const char *const names[] = {"prefer", "country", "postal", "not_after", "cancel_after"};
        bool known = strcmp(word, "no_split") == 0;
        asked->no_split = asked->no_split || known;
        for (size_t index = 0; index < 5; index++) {
            const char *value = value_of(word, names[index]);
            if (value != NULL) {
                *members[index] = value;
                known = true;
            }
        }
        for (int index = 0; index < 4; index++) {
            if (index < 3 && strcmp(word, fulfilment[index]) == 0) {
                asked->fulfilment_policy = index;
                known = true;
            }
            if (strcmp(word, backorder[index]) == 0) {
                asked->backorder_policy = index;
                known = true;
            }
        }
        if (!known) {
            fail_msg("what is %s?", word);
        }
    }
}

static struct question *ask(const struct routing *routing) {
    struct question *question = calloc(1, sizeof *question);
    assert_non_null(question);
    question->asked = (struct xd_route_question){.lines = question->lines,
                                                 .sites = question->sites,
                                                 .offers = question->offers,
                                                 .fulfilment_policy = -1,
                                                 .backorder_policy = -1};
    read_lines(question, routing->lines);
    char *rest = NULL;
    for (char *site = strtok_r(copy(question, routing->sites), ";", &rest); site != NULL;
         site = strtok_r(NULL, ";", &rest)) {
        read_site(question, site);
    }
    read_order(&question->asked, copy(question, routing->order));
    return question;
}

/* ---- the plan in words ---- */

static void add(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *out, size_t size, const char *format, ...) {
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
    assert_true(more >= 0 && (size_t)more < size - used);
}

static void write_rest(const struct xd_route_plan *plan, const char *name, size_t member, char *out,
                       size_t size) {
    bool first = true;
    for (size_t line = 0; line < plan->line_count; line++) {
        struct xd_decimal qty = ((const struct xd_decimal *)&plan->rests[line])[member];
        char text[XD_DECIMAL_TEXT_MAX];
        if (!xd_decimal_is_zero(qty)) {
            add(out, size, "%s %zu=%s", first ? name : "", line + 1, xd_decimal_write(qty, text));
            first = false;
        }
    }
}

static void write_plan(const struct xd_route_plan *plan, char *out, size_t size) {
    size_t site = XD_ROUTE_SITES_MAX;
    out[0] = '\0';
    add(out, size, "%s:", xd_route_decision_names[plan->decision]);
    for (size_t index = 0; index < plan->part_count; index++) {
        const struct xd_route_part *part = &plan->parts[index];
        char text[XD_DECIMAL_TEXT_MAX];
        if (part->site != site) {
            add(out, size, "%s %s", site == XD_ROUTE_SITES_MAX ? "" : ";", plan->sites[part->site].site);
            site = part->site;
        }
        add(out, size, " %zu=%s", part->line + 1, xd_decimal_write(part->qty, text));
    }
    write_rest(plan, plan->part_count > 0 ? "; backordered" : " backordered", 0, out, size);
    write_rest(plan, plan->part_count > 0 ? "; cancelled" : " cancelled", 1, out, size);
    write_rest(plan, plan->part_count > 0 ? "; waiting" : " waiting", 2, out, size);
    for (size_t index = 0; index < plan->site_count; index++) {
        enum xd_route_reason reason = plan->sites[index].reason;
        if (reason != XD_ROUTE_CHOSEN && reason != XD_ROUTE_NOT_NEEDED) {
            add(out, size, "; !%s %s", plan->sites[index].site, xd_route_reason_names[reason]);
        }
    }
}

/* ---- the table ---- */

static const struct routing routings[] = {
    /* one site */
    {"one site with enough", "A:10", "WH1 A=10", "", "primary: WH1 1=10"},
    {"unknown stock counts as everything", "A:10 B:5", "WH1", "", "primary: WH1 1=10 2=5"},
    {"no site at all", "A:10", "", "", "backorder: backordered 1=10"},
    {"the preferred one goes first", "A:10", "WH1 A=10; WH2 A=10", "prefer=WH2", "primary: WH2 1=10"},
    {"a preferred 3PL goes first", "A:10", "WH1 A=10; TP1 3pl A=10", "prefer=TP1", "primary: TP1 1=10"},
    {"own before 3PL whatever the priority", "A:10", "TP1 3pl p1 A=10; WH1 p900 A=10", "",
     "primary: WH1 1=10"},
    {"the lower priority number goes first", "A:10", "WH1 p20 A=10; WH2 p10 A=10", "", "primary: WH2 1=10"},
    {"then the name", "A:10", "WHB A=10; WHA A=10", "", "primary: WHA 1=10"},
    {"a preference for a stranger prefers nobody", "A:10", "WH1 A=10", "prefer=WH9", "primary: WH1 1=10"},
    {"decimals are exact", "A:0.3", "WH1 A=0.3", "", "primary: WH1 1=0.3"},
    {"one millionth too little is too little", "A:0.3", "WH1 A=0.299999", "",
     "primary: WH1 1=0.299999; backordered 1=0.000001"},
    /* another site */
    {"another has it", "A:10", "WH1 A=9; WH2 A=10", "", "other_site: WH2 1=10; !WH1 not_enough"},
    {"a single site goes before a split", "A:10 B:10", "WH1 A=10; WH2 B=10; WH3 A=10 B=10", "",
     "other_site: WH3 1=10 2=10; !WH1 not_enough; !WH2 not_enough"},
    {"a 3PL has it", "A:10", "WH1 A=9; TP1 3pl A=10", "", "third_party: TP1 1=10; !WH1 not_enough"},
    {"own other site before a 3PL", "A:10", "WH1 OTHER=0; TP1 3pl p1 A=10; WH2 p900 A=10", "",
     "other_site: WH2 1=10; !WH1 no_stock"},
    {"known stock in order before unknown", "A:10", "WH1 A=10; WH2", "", "primary: WH1 1=10"},
    {"unknown stock in order before known", "A:10", "WH1; WH2 A=10", "", "primary: WH1 1=10"},
    {"the preferred lacks it: the order of the others", "A:10", "WH1 A=10; WH2 OTHER=1; WH3 A=10",
     "prefer=WH2", "other_site: WH1 1=10; !WH2 no_stock"},
    {"negative stock is none", "A:10", "WH1 A=-5; WH2 A=10", "", "other_site: WH2 1=10; !WH1 no_stock"},
    /* sites that may not */
    {"not enrolled", "A:1", "WH1 gone; WH2", "", "other_site: WH2 1=1; !WH1 not_enrolled"},
    {"paused", "A:1", "WH1 paused; WH2", "", "other_site: WH2 1=1; !WH1 paused"},
    {"paused even when preferred", "A:1", "WH1; WH2 paused", "prefer=WH2",
     "other_site: WH1 1=1; !WH2 paused"},
    {"offline", "A:1", "WH1 offline; WH2", "", "other_site: WH2 1=1; !WH1 offline"},
    {"who was never heard of comes last", "A:1", "WH1 unheard; WH2 3pl p9", "", "primary: WH2 1=1"},
    {"unless it is preferred", "A:1", "WH1; WH2 unheard", "prefer=WH2", "primary: WH2 1=1"},
    {"or nobody else has it", "A:1", "WH1 unheard; WH2 A=0", "", "other_site: WH1 1=1; !WH2 no_stock"},
    {"closed for good", "A:1", "WH1 closed; WH2", "", "other_site: WH2 1=1; !WH1 closed"},
    {"the first reason tells", "A:1", "WH1 gone paused offline closed", "",
     "backorder: backordered 1=1; !WH1 not_enrolled"},
    {"too late for ship_not_after", "A:1", "WH1 date=2026-12-02; WH2 date=2026-12-01", "not_after=2026-12-01",
     "other_site: WH2 1=1; !WH1 too_late"},
    {"too late for cancel_after", "A:1", "WH1 date=2026-12-02; WH2 date=2026-12-01",
     "cancel_after=2026-12-01", "other_site: WH2 1=1; !WH1 too_late"},
    {"the earlier limit counts", "A:1", "WH1 date=2026-12-02", "not_after=2026-12-09 cancel_after=2026-12-01",
     "backorder: backordered 1=1; !WH1 too_late"},
    {"another country", "A:1", "WH1 countries=DE,FR; WH2 countries=IE,GB", "country=GB",
     "other_site: WH2 1=1; !WH1 does_not_serve_region"},
    {"an unsaid country is served by sites for all only", "A:1", "WH1 countries=GB; WH2", "",
     "other_site: WH2 1=1; !WH1 does_not_serve_region"},
    {"postal code by its beginning", "A:1", "WH1 post=M,SW1; WH2 post=LS", "country=GB postal=LS1-1AA",
     "other_site: WH2 1=1; !WH1 does_not_serve_region"},
    {"postal codes know neither case nor blanks", "A:1", "WH1 post=ls1-1a", "postal=LS11AA",
     "primary: WH1 1=1"},
    {"a longer prefix than the code", "A:1", "WH1 post=LS11", "postal=LS1",
     "backorder: backordered 1=1; !WH1 does_not_serve_region"},
    {"an unsaid postal code", "A:1", "WH1 post=LS", "",
     "backorder: backordered 1=1; !WH1 does_not_serve_region"},
    {"a SKU that is not listed", "A:1", "WH1 skus=B,C; WH2 skus=A", "",
     "other_site: WH2 1=1; !WH1 does_not_have_sku"},
    {"an asterisk stands for any rest", "ABC-7:1", "WH1 skus=AX*; WH2 skus=ABC*", "",
     "other_site: WH2 1=1; !WH1 does_not_have_sku"},
    {"refused before", "A:1", "WH1 refused=1; WH2", "", "other_site: WH2 1=1; !WH1 refused_before"},
    {"refused one line only: it still ships the other", "A:1 B:1", "WH1 refused=1; TP1 3pl skus=A", "",
     "split: WH1 2=1; TP1 1=1"},
    {"all have refused it", "A:1", "WH1 refused=1; WH2 refused=1", "",
     "backorder: backordered 1=1; !WH1 refused_before; !WH2 refused_before"},
    /* splits by lines */
    {"two sites, a line each", "A:10 B:5", "WH1 A=10; WH2 B=5", "", "split: WH1 1=10; WH2 2=5"},
    {"the one that covers most lines goes first", "A:1 B:1 C:1", "WH1 A=1; WH2 B=1 C=1", "",
     "split: WH1 1=1; WH2 2=1 3=1"},
    {"two sites rather than three", "A:1 B:1 C:1 D:1", "WH1 A=1 D=0; WH2 B=1; WH3 A=1 B=1 C=1; WH4 D=1", "",
     "split: WH3 1=1 2=1 3=1; WH4 4=1; !WH1 not_enough; !WH2 not_enough"},
    {"equal lines: the greater quantity", "A:5 B:9", "WH1 A=5; WH2 B=9; WH3 B=9", "",
     "split: WH1 1=5; WH2 2=9"},
    {"a site that covers a line alone keeps it whole", "A:10 B:1", "WH1 A=6 B=1; WH2 A=10", "",
     "split: WH1 2=1; WH2 1=10"},
    {"a 3PL takes what own sites lack", "A:1 B:1", "WH1 A=1; TP1 3pl A=1 B=1", "prefer=WH1",
     "third_party: TP1 1=1 2=1; !WH1 not_enough"},
    {"three sites", "A:1 B:1 C:1", "WH1 A=1; WH2 B=1; WH3 C=1", "", "split: WH1 1=1; WH2 2=1; WH3 3=1"},
    {"unknown stock fills what is missing", "A:1 B:1", "WH1 A=1; WH2 refused=1", "",
     "split: WH1 1=1; WH2 2=1"},
    /* splits of a line */
    {"a line that nobody covers alone", "A:10", "WH1 A=6; WH2 A=4", "", "split: WH1 1=6; WH2 1=4"},
    {"parts: the greatest first", "A:10", "WH1 A=1; WH2 A=2; WH3 A=9", "",
     "split: WH1 1=1; WH3 1=9; !WH2 not_enough"},
    {"parts: sites that ship anyway first", "A:10 B:1", "WH1 A=2; WH2 A=9; WH3 A=1 B=1", "",
     "split: WH2 1=9; WH3 1=1 2=1; !WH1 not_enough"},
    {"parts are whole cases", "A:36/12", "WH1 A=20; WH2 A=30", "", "split: WH1 1=12; WH2 1=24"},
    {"less than a case is left where it is", "A:36/12", "WH1 A=11; WH2 A=30", "",
     "other_site: WH2 1=24; backordered 1=12; !WH1 not_enough"},
    {"parts of a weight", "A:1.5", "WH1 A=0.75; WH2 A=0.9", "", "split: WH1 1=0.6; WH2 1=0.9"},
    {"lines of one SKU share the stock", "A:6 A:6", "WH1 A=10; WH2 A=2", "", "split: WH1 1=6 2=4; WH2 2=2"},
    {"lines of one SKU never get it twice", "A:6 A:6", "WH1 A=10", "",
     "primary: WH1 1=6 2=4; backordered 2=2"},
    {"a small line of the SKU is kept whole", "A:9 A:4", "WH1 A=8", "",
     "primary: WH1 1=4 2=4; backordered 1=5"},
    /* an order that must not be split */
    {"no split: a single site", "A:1 B:1", "WH1 A=1; WH2 A=1 B=1", "no_split",
     "other_site: WH2 1=1 2=1; !WH1 not_enough"},
    {"no split: the site with most lines ships", "A:1 B:1 C:1", "WH1 A=1; WH2 B=1 C=1", "no_split",
     "other_site: WH2 2=1 3=1; backordered 1=1; !WH1 not_enough"},
    {"no split: parts from one site", "A:10", "WH1 A=3; WH2 A=7", "no_split",
     "other_site: WH2 1=7; backordered 1=3; !WH1 not_enough"},
    {"no split: the first of equals", "A:10", "WH1 A=5; WH2 A=5", "no_split",
     "primary: WH1 1=5; backordered 1=5; !WH2 not_enough"},
    {"no split and all or nothing", "A:1 B:1", "WH1 A=1; WH2 B=1", "no_split kill",
     "kill: cancelled 1=1 2=1; !WH1 not_enough; !WH2 not_enough"},
    {"no split and fill all waits", "A:1 B:1", "WH1 A=1; WH2 B=1", "no_split all",
     "wait: backordered 1=1 2=1; !WH1 not_enough; !WH2 not_enough"},
    /* policies */
    {"fill or kill: all of it now", "A:10", "WH1 A=10", "kill", "primary: WH1 1=10"},
    {"fill or kill: a split is fine", "A:10", "WH1 A=6; WH2 A=4", "kill", "split: WH1 1=6; WH2 1=4"},
    {"fill or kill: else nothing", "A:10 B:1", "WH1 A=9 B=1", "kill",
     "kill: cancelled 1=10 2=1; !WH1 not_enough"},
    {"fill or kill asks no backorder policy", "A:10", "WH1 A=9", "kill create",
     "kill: cancelled 1=10; !WH1 not_enough"},
    {"fill all: all of it now", "A:10 B:1", "WH1 A=10; WH2 B=1", "all", "split: WH1 1=10; WH2 2=1"},
    {"fill all: else it waits to be whole", "A:10 B:1", "WH1 A=9 B=1", "all",
     "wait: backordered 1=10 2=1; !WH1 not_enough"},
    {"fill all asks no backorder policy", "A:10", "WH1 A=9", "all cancel",
     "wait: backordered 1=10; !WH1 not_enough"},
    {"available: the rest is backordered", "A:10 B:1", "WH1 A=9 B=1", "available create",
     "primary: WH1 1=9 2=1; backordered 1=1"},
    {"available: no backorders", "A:10 B:1", "WH1 A=9 B=1", "available none",
     "primary: WH1 1=9 2=1; cancelled 1=1"},
    {"available: cancel", "A:10 B:1", "WH1 A=9 B=1", "available cancel",
     "primary: WH1 1=9 2=1; cancelled 1=1"},
    {"available: a person decides", "A:10 B:1", "WH1 A=9 B=1", "available manual",
     "primary: WH1 1=9 2=1; waiting 1=1"},
    {"nothing there: backordered", "A:10", "WH1 A=0", "", "backorder: backordered 1=10; !WH1 no_stock"},
    {"nothing there: cancelled", "A:10", "WH1 A=0", "none", "kill: cancelled 1=10; !WH1 no_stock"},
    {"nothing there: a person decides", "A:10", "WH1 A=0", "manual", "wait: waiting 1=10; !WH1 no_stock"},
    {"absent policies: what there is, the rest backordered", "A:10", "WH1 A=4", "",
     "primary: WH1 1=4; backordered 1=6"},
    {"a split and a rest", "A:10 B:10", "WH1 A=10; WH2 B=3; WH3 B=4", "",
     "split: WH1 1=10; WH2 2=3; WH3 2=4; backordered 2=3"},
};

static void plans_are_as_the_table_says(void **state) {
    (void)state;
    size_t failed = 0;
    for (size_t index = 0; index < sizeof routings / sizeof routings[0]; index++) {
        const struct routing *routing = &routings[index];
        struct question *question = ask(routing);
        struct xd_route_plan plan;
        char text[1024];
        assert_int_equal(xd_route(&question->asked, &plan), XD_OK);
        write_plan(&plan, text, sizeof text);
        if (strcmp(text, routing->plan) != 0) {
            print_error("%s\n  expected %s\n  got      %s\n", routing->name, routing->plan, text);
            failed++;
        }
        xd_route_plan_free(&plan);
        free(question);
    }
    assert_int_equal(failed, 0);
}

static void sentence_says_who_ships_and_why_others_do_not(void **state) {
    (void)state;
    static const char *const sentences[][3] = {
        {"WH1 paused; WH2 A=4; WH3 A=5; WH4 A=3", "A:20",
         "WH2, WH3 and WH4 ship what there is; the rest is backordered. WH1 is paused."},
        {"WH1 A=20", "A:20", "WH1 ships all of it."},
        {"WH1 A=0; WH2 closed", "A:20",
         "Nothing ships now; all of it is backordered. WH1 has none in stock. WH2 is closed for a year."},
    };
    for (size_t index = 0; index < sizeof sentences / sizeof sentences[0]; index++) {
        struct routing routing = {"", sentences[index][1], sentences[index][0], "", ""};
        struct question *question = ask(&routing);
        struct xd_route_plan plan;
        assert_int_equal(xd_route(&question->asked, &plan), XD_OK);
        assert_string_equal(plan.sentence, sentences[index][2]);
        xd_route_plan_free(&plan);
        free(question);
    }
}

static void question_out_of_bounds_is_refused(void **state) {
    (void)state;
    struct routing routing = {"", "A:1", "WH1", "", ""};
    struct question *question = ask(&routing);
    struct xd_route_plan plan;
    question->asked.line_count = 0;
    assert_int_equal(xd_route(&question->asked, &plan), XD_INVALID);
    question->asked.line_count = XD_ORDER_LINES_MAX + 1;
    assert_int_equal(xd_route(&question->asked, &plan), XD_INVALID);
    question->asked.line_count = 1;
    question->asked.site_count = XD_ROUTE_SITES_MAX + 1;
    assert_int_equal(xd_route(&question->asked, &plan), XD_INVALID);
    question->asked.site_count = 1;
    question->lines[0].qty = d("0");
    assert_int_equal(xd_route(&question->asked, &plan), XD_INVALID);
    question->lines[0].qty = d("1");
    question->lines[0].unit = d("-1");
    assert_int_equal(xd_route(&question->asked, &plan), XD_INVALID);
    free(question);
}

/* ---- properties of random questions ---- */

static uint64_t random_state;

static uint64_t below(uint64_t limit) { /* splitmix64 */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % limit;
}

static struct xd_decimal random_qty(uint64_t limit) {
    return (struct xd_decimal){(int64_t)below(limit), 0};
}

static struct question *random_question(void) {
    static const char *const skus[] = {"A", "B", "C", "D", "E"};
    struct question *question = calloc(1, sizeof *question);
    assert_non_null(question);
    struct xd_route_question *asked = &question->asked;
    *asked = (struct xd_route_question){.lines = question->lines,
                                        .line_count = 1 + below(10),
                                        .sites = question->sites,
                                        .site_count = below(7),
                                        .offers = question->offers,
                                        .preferred_site = below(2) == 0 ? "S3" : NULL,
                                        .country = below(4) == 0 ? NULL : "GB",
                                        .ship_not_after = below(2) == 0 ? "2026-12-05" : NULL,
                                        .fulfilment_policy = (int)below(4) - 1,
                                        .backorder_policy = (int)below(5) - 1,
                                        .no_split = below(4) == 0};
    for (size_t line = 0; line < asked->line_count; line++) {
        question->lines[line].sku = skus[below(5)];
        int64_t unit = below(3) == 0 ? 1 + (int64_t)below(6) : 0;
        question->lines[line].unit = xd_decimal_of(unit);
        question->lines[line].qty = xd_decimal_of((1 + (int64_t)below(20)) * (unit > 0 ? unit : 1));
    }
    for (size_t number = 0; number < asked->site_count; number++) {
        struct xd_site_profile *profile = &question->profiles[number];
        struct xd_route_site *site = &question->sites[number];
        bool known = below(6) != 0;
        struct xd_decimal stock[5];
        snprintf(profile->site, sizeof profile->site, "S%zu", number);
        profile->third_party = below(3) == 0;
        profile->priority = (int64_t)below(3);
        profile->paused = below(8) == 0;
        profile->country_count = below(6) == 0 ? 1 : 0;
        put(profile->countries[0], sizeof profile->countries[0], "FR");
        profile->sku_count = below(5) == 0 ? 1 : 0;
        put(profile->skus[0], sizeof profile->skus[0], skus[below(5)]);
        *site = (struct xd_route_site){profile, below(10) != 0, below(10) != 0, below(5) == 0, "2026-12-01"};
        site->ship_date[9] = (char)('1' + below(8));
        for (size_t sku = 0; sku < 5; sku++) {
            stock[sku] = below(3) == 0 ? xd_decimal_of(0) : random_qty(30);
        }
        for (size_t line = 0; line < asked->line_count; line++) {
            question->offers[number * asked->line_count + line] =
                (struct xd_route_offer){known, stock[question->lines[line].sku[0] - 'A'], below(8) == 0};
        }
    }
    return question;
}

static size_t site_of(const struct question *question, const char *name) {
    size_t number = 0;
    while (strcmp(question->profiles[number].site, name) != 0) {
        number++;
    }
    return number;
}

static bool may_ship_line(const struct question *question, size_t number, size_t line) {
    const struct xd_route_question *asked = &question->asked;
    const struct xd_site_profile *profile = &question->profiles[number];
    const struct xd_route_site *site = &question->sites[number];
    return site->enrolled && site->healthy && !profile->paused &&
           (asked->ship_not_after == NULL || strcmp(site->ship_date, asked->ship_not_after) <= 0) &&
           profile->country_count == 0 &&
           (profile->sku_count == 0 || strcmp(profile->skus[0], question->lines[line].sku) == 0) &&
           !question->offers[number * asked->line_count + line].refused;
}

#define CHECK(condition)                                                                                     \
    if (!(condition)) {                                                                                      \
        return #condition;                                                                                   \
    }

/* All quantities of random questions are small integers. */
static const char *check_quantities(const struct question *question, const struct xd_route_plan *plan,
                                    int64_t stock[7][5]) {
    const struct xd_route_question *asked = &question->asked;
    CHECK(plan->line_count == asked->line_count && plan->site_count == asked->site_count);
    int64_t placed[LINES_MAX] = {0};
    for (size_t index = 0; index < plan->part_count; index++) {
        const struct xd_route_part *part = &plan->parts[index];
        size_t number = site_of(question, plan->sites[part->site].site);
        const struct xd_route_line *line = &asked->lines[part->line];
        int64_t unit = line->unit.coefficient, qty = part->qty.coefficient;
        CHECK(part->qty.scale == 0);
        CHECK(qty > 0 && plan->sites[part->site].reason == XD_ROUTE_CHOSEN);
        CHECK(may_ship_line(question, number, part->line));
        for (size_t other = 0; other < index; other++) {
            CHECK(plan->parts[other].site != part->site || plan->parts[other].line != part->line);
        }
        placed[part->line] += qty;
        stock[number][line->sku[0] - 'A'] -= qty;
        CHECK(!question->offers[number * asked->line_count + part->line].known ||
              stock[number][line->sku[0] - 'A'] >= 0);
        CHECK(unit == 0 || qty % unit == 0);
    }
    for (size_t line = 0; line < asked->line_count; line++) {
        const struct xd_route_rest *rest = &plan->rests[line];
        CHECK(placed[line] + rest->backordered.coefficient + rest->cancelled.coefficient +
                  rest->waiting.coefficient ==
              asked->lines[line].qty.coefficient);
    }
    return NULL;
}

static const char *check_policies(const struct question *question, const struct xd_route_plan *plan) {
    const struct xd_route_question *asked = &question->asked;
    bool all = asked->fulfilment_policy == XD_FILL_ALL, kill = asked->fulfilment_policy == XD_FILL_OR_KILL;
    int policy = all                           ? XD_BACKORDER_CREATE
                 : kill                        ? XD_BACKORDER_CANCEL
                 : asked->backorder_policy < 0 ? XD_BACKORDER_CREATE
                                               : asked->backorder_policy;
    bool rest = false, several = false;
    for (size_t line = 0; line < plan->line_count; line++) {
        const struct xd_route_rest *of = &plan->rests[line];
        CHECK(of->backordered.coefficient == 0 || policy == XD_BACKORDER_CREATE);
        CHECK(of->waiting.coefficient == 0 || policy == XD_BACKORDER_MANUAL);
        CHECK(of->cancelled.coefficient == 0 || policy == XD_BACKORDER_CANCEL || policy == XD_BACKORDER_NONE);
        rest = rest || of->backordered.coefficient + of->cancelled.coefficient + of->waiting.coefficient != 0;
    }
    for (size_t index = 1; index < plan->part_count; index++) {
        several = several || plan->parts[index].site != plan->parts[0].site;
    }
    CHECK(!(asked->no_split && several));
    CHECK(!((all || kill) && rest && plan->part_count > 0));
    CHECK((plan->decision == XD_ROUTE_SPLIT) == several);
    CHECK((plan->decision >= XD_ROUTE_BACKORDER) == (plan->part_count == 0));
    return NULL;
}

/* What is there and wanted ships; one site alone when one can. */
static const char *check_no_waste(const struct question *question, const struct xd_route_plan *plan,
                                  int64_t left[7][5], const int64_t had[7][5]) {
    const struct xd_route_question *asked = &question->asked;
    for (size_t number = 0; number < asked->site_count; number++) {
        int64_t wanted[5] = {0};
        bool whole = true;
        for (size_t line = 0; line < asked->line_count; line++) {
            size_t sku = (size_t)(asked->lines[line].sku[0] - 'A');
            bool known = question->offers[number * asked->line_count + line].known;
            bool may = may_ship_line(question, number, line);
            int64_t unit = asked->lines[line].unit.coefficient > 1 ? asked->lines[line].unit.coefficient : 1;
            const struct xd_route_rest *rest = &plan->rests[line];
            bool missing =
                rest->backordered.coefficient + rest->cancelled.coefficient + rest->waiting.coefficient != 0;
            wanted[sku] += asked->lines[line].qty.coefficient;
            whole = whole && may && (!known || wanted[sku] <= had[number][sku]);
            CHECK(asked->no_split || asked->fulfilment_policy == XD_FILL_OR_KILL ||
                  asked->fulfilment_policy == XD_FILL_ALL || !missing || !may ||
                  (known && left[number][sku] < unit));
        }
        CHECK(!whole || (plan->part_count == asked->line_count && plan->decision < XD_ROUTE_SPLIT));
    }
    return NULL;
}

static const char *check_plan(const struct question *question, const struct xd_route_plan *plan) {
    const struct xd_route_question *asked = &question->asked;
    int64_t had[7][5] = {{0}}, left[7][5];
    for (size_t cell = 0; cell < asked->site_count * asked->line_count; cell++) {
        had[cell / asked->line_count][asked->lines[cell % asked->line_count].sku[0] - 'A'] =
            asked->offers[cell].qty.coefficient;
    }
    memcpy(left, had, sizeof left);
    const char *wrong = check_quantities(question, plan, left);
    if (wrong == NULL) {
        wrong = check_policies(question, plan);
    }
    return wrong != NULL ? wrong : check_no_waste(question, plan, left, had);
}

/* The same question with its sites told from last to first. */
static void turn_round(struct question *question) {
    struct xd_route_offer offers[7 * LINES_MAX];
    struct xd_route_site sites[7];
    size_t lines = question->asked.line_count, count = question->asked.site_count;
    memcpy(offers, question->offers, sizeof offers);
    memcpy(sites, question->sites, sizeof sites);
    for (size_t number = 0; number < count; number++) {
        question->sites[number] = sites[count - 1 - number];
        memcpy(&question->offers[number * lines], &offers[(count - 1 - number) * lines],
               lines * sizeof *offers);
    }
}

static void random_plans_conserve_and_keep_to_stock_and_policies(void **state) {
    (void)state;
    const char *one = getenv("XD_SEED");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + (one != NULL ? 1 : 20000); seed++) {
        random_state = seed;
        struct question *question = random_question();
        struct xd_route_plan plan, again;
        char text[2048], same[2048];
        assert_int_equal(xd_route(&question->asked, &plan), XD_OK);
        write_plan(&plan, text, sizeof text);
        const char *wrong = check_plan(question, &plan);
        turn_round(question);
        assert_int_equal(xd_route(&question->asked, &again), XD_OK);
        write_plan(&again, same, sizeof same);
        if (wrong == NULL && strcmp(text, same) != 0) {
            wrong = "the same plan for the same question";
        }
        if (wrong != NULL) {
            fail_msg("XD_SEED=%llu: %s: %s / %s", (unsigned long long)seed, wrong, text, same);
        }
        xd_route_plan_free(&plan);
        xd_route_plan_free(&again);
        free(question);
    }
}

/* 1,000 lines of 1,000 SKUs against 32 sites that each lack most: bounded, and all there is ships. */
static void largest_question_is_answered(void **state) {
    (void)state;
    size_t lines = XD_ORDER_LINES_MAX, sites = XD_ROUTE_SITES_MAX;
    struct question *question = calloc(1, sizeof *question);
    struct xd_route_line *line = calloc(lines, sizeof *line);
    struct xd_route_offer *offers = calloc(lines * sites, sizeof *offers);
    char(*skus)[8] = calloc(lines, sizeof *skus);
    assert_true(question != NULL && line != NULL && offers != NULL && skus != NULL);
    for (size_t index = 0; index < lines; index++) {
        snprintf(skus[index], sizeof skus[index], "K%zu", index);
        line[index] = (struct xd_route_line){skus[index], xd_decimal_of(64), xd_decimal_of(0)};
    }
    for (size_t number = 0; number < sites; number++) {
        snprintf(question->profiles[number].site, sizeof question->profiles[number].site, "S%zu", number);
        question->sites[number] =
            (struct xd_route_site){&question->profiles[number], true, true, false, "2026-12-01"};
        for (size_t index = 0; index < lines; index++) {
            offers[number * lines + index] = (struct xd_route_offer){true, xd_decimal_of(1), false};
        }
    }
    struct xd_route_question asked = {.lines = line,
                                      .line_count = lines,
                                      .sites = question->sites,
                                      .site_count = sites,
                                      .offers = offers,
                                      .fulfilment_policy = -1,
                                      .backorder_policy = -1};
    struct xd_route_plan plan;
    assert_int_equal(xd_route(&asked, &plan), XD_OK);
    assert_int_equal(plan.part_count, lines * sites);
    assert_int_equal(plan.rests[999].backordered.coefficient, 32);
    xd_route_plan_free(&plan);
    free(skus);
    free(offers);
    free(line);
    free(question);
}

static void unit_without_a_decimal_is_as_many_as_make_whole_base_units(void **state) {
    (void)state;
    assert_int_equal(xd_decimal_compare(xd_route_unit(12, 1), d("12")), 0);
    assert_int_equal(xd_decimal_compare(xd_route_unit(1, 8), d("0.125")), 0);
    assert_int_equal(xd_decimal_compare(xd_route_unit(1, 3), d("1")), 0);
    assert_int_equal(xd_decimal_compare(xd_route_unit(2, 3), d("2")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_as_the_table_says),
        cmocka_unit_test(sentence_says_who_ships_and_why_others_do_not),
        cmocka_unit_test(question_out_of_bounds_is_refused),
        cmocka_unit_test(random_plans_conserve_and_keep_to_stock_and_policies),
        cmocka_unit_test(largest_question_is_answered),
        cmocka_unit_test(unit_without_a_decimal_is_as_many_as_make_whole_base_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
