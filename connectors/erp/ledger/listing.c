/* A page is the rows behind a key, in the order of the keys: what changes meanwhile
 * moves no row that does not. The cursor is the last row's key; of stock, site/sku, for a
 * site's name has no slash. */
#include "erp/ledger/listing.h"

#include "base/id.h"
#include "documents/writer.h"
#include "erp/ledger/statements.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 127 /* bytes of a name or description that others take */

struct page {
    struct xd_entry entry;
    struct xd_writer writer;
    char *next;
};

/* Texts for people are cut rather than refused. */
static void write_words(struct page *page, const char *name, const char *text) {
    char words[TEXT_MAX + 1];
    (void)snprintf(words, sizeof words, "%s", text);
    words[xd_utf8_prefix(xd_bytes_of_text(words))] = '\0';
    xd_text_make_printable(words);
    xd_writer_text(&page->writer, name, words);
}

static void write_null(struct page *page, const char *name) {
    xd_writer_name(&page->writer, name);
    xd_buffer_text(page->writer.out, "null");
}

static void write_amount(struct page *page, const char *name) {
    struct xd_decimal value;
    if (xd_entry_take_decimal(&page->entry, &value)) {
        xd_writer_decimal(&page->writer, name, value);
    } else {
        write_null(page, name);
    }
}

/* The key, which is the cursor, too. */
static void write_key(struct page *page, const char *name) {
    const char *key = xd_entry_take_text(&page->entry);
    (void)snprintf(page->next, XD_ERP_CURSOR_SIZE, "%s", key);
    xd_writer_text(&page->writer, name, key);
}

static void write_customer(struct page *page) {
    write_key(page, "code");
    write_words(page, "name", xd_entry_take_text(&page->entry));
    xd_writer_boolean(&page->writer, "active", xd_entry_take_int(&page->entry) != 0);
    write_amount(page, "credit_limit");
    const char *currency = xd_entry_take_text(&page->entry);
    if (currency[0] != '\0') {
        xd_writer_text(&page->writer, "currency", currency);
    } else {
        write_null(page, "currency");
    }
}

static void write_product(struct page *page) {
    write_key(page, "sku");
    write_words(page, "description", xd_entry_take_text(&page->entry));
    xd_writer_text(&page->writer, "base_uom", xd_entry_take_text(&page->entry));
    write_amount(page, "price");
    xd_writer_boolean(&page->writer, "active", xd_entry_take_int(&page->entry) != 0);
    xd_writer_boolean(&page->writer, "lot_tracked", xd_entry_take_int(&page->entry) != 0);
}

static void write_stock(struct page *page) {
    char site[XD_SITE_SIZE];
    (void)snprintf(site, sizeof site, "%s", xd_entry_take_text(&page->entry));
    const char *sku = xd_entry_take_text(&page->entry);
    (void)snprintf(page->next, XD_ERP_CURSOR_SIZE, "%s/%s", site, sku);
    xd_writer_text(&page->writer, "site", site);
    xd_writer_text(&page->writer, "sku", sku);
    write_amount(page, "qty");
}

static const struct {
    int statement;
    void (*write)(struct page *page);
} lists[XD_ERP_LIST_COUNT] = {
    [XD_ERP_CUSTOMERS] = {XD_LEDGER_CUSTOMER_LIST, write_customer},
    [XD_ERP_PRODUCTS] = {XD_LEDGER_PRODUCT_LIST, write_product},
    [XD_ERP_STOCK] = {XD_LEDGER_STOCK_LIST, write_stock},
};

static void bind_cursor(struct xd_entry *entry, enum xd_erp_list what, const char *cursor,
                        char site[XD_ERP_CURSOR_SIZE]) {
    if (what != XD_ERP_STOCK) {
        xd_entry_text(entry, cursor);
        return;
    }
    size_t size = strcspn(cursor, "/");
    (void)snprintf(site, XD_ERP_CURSOR_SIZE, "%.*s", (int)size, cursor);
    xd_entry_text(entry, site);
    xd_entry_text(entry, cursor[size] == '/' ? cursor + size + 1 : "");
}

enum xd_result xd_ledger_list(struct xd_book *book, enum xd_erp_list what, const char *cursor, size_t max,
                              struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]) {
    struct page page = {.writer = {.out = entries}, .next = next};
    char site[XD_ERP_CURSOR_SIZE];
    size_t count = 0, before = entries->size;
    bool full = false;
    next[0] = '\0';
    xd_entry_open(&page.entry, book, lists[what].statement);
    bind_cursor(&page.entry, what, cursor, site);
    xd_entry_int(&page.entry, (int64_t)max);
    xd_writer_begin(&page.writer, NULL, '[');
    while (!full && xd_entry_next(&page.entry)) {
        xd_writer_begin(&page.writer, NULL, '{');
        lists[what].write(&page);
        xd_writer_end(&page.writer, '}');
        full = ++count == max || entries->size - before > XD_ERP_PAGE_BYTES;
    }
    xd_writer_end(&page.writer, ']');
    if (!full) {
        next[0] = '\0';
    }
    return xd_entry_close(&page.entry);
}
