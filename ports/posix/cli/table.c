/* Cells lie behind one another in one buffer, each ended by a zero; two walks over
 * them give the widths and the lines. A cell that is not complete when memory runs
 * out makes the whole output fail. */
#include "posix/cli/table.h"

#include <string.h>

#define BOLD "\x1b[1m"
#define PLAIN "\x1b[0m"

void xd_table_init(struct xd_table *table, const struct xd_column *columns) {
    *table = (struct xd_table){.columns = columns};
    while (table->column_count < XD_TABLE_COLUMNS_MAX && columns[table->column_count].heading != NULL) {
        table->column_count++;
    }
    xd_buffer_init(&table->heap, 0);
}

struct xd_buffer *xd_table_cell(struct xd_table *table) {
    table->cell_count++;
    return &table->heap;
}

void xd_table_end(struct xd_table *table) {
    xd_buffer_byte(&table->heap, 0);
}

void xd_table_text(struct xd_table *table, const char *text) {
    xd_text_clean(xd_table_cell(table), text != NULL && text[0] != 0 ? text : "-");
    xd_table_end(table);
}

void xd_table_number(struct xd_table *table, int64_t number) {
    xd_buffer_format(xd_table_cell(table), "%lld", (long long)number);
    xd_table_end(table);
}

void xd_table_age(struct xd_table *table, xd_ms age) {
    xd_text_age(xd_table_cell(table), age);
    xd_table_end(table);
}

void xd_table_size(struct xd_table *table, int64_t bytes) {
    xd_text_size(xd_table_cell(table), bytes);
    xd_table_end(table);
}

void xd_table_time(struct xd_table *table, const char *time) {
    if (time == NULL) {
        xd_table_text(table, NULL);
        return;
    }
    xd_text_time(xd_table_cell(table), time);
    xd_table_end(table);
}

void xd_table_drop(struct xd_table *table) {
    xd_buffer_free(&table->heap);
}

static void measure(const struct xd_table *table, size_t *widths, bool *headed) {
    const char *cell = xd_buffer_string(&table->heap);
    size_t at = 0;
    *headed = false;
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = xd_text_width(table->columns[column].heading);
        *headed = *headed || widths[column] > 0;
    }
    for (size_t index = 0; index < table->cell_count; index++, cell += strlen(cell) + 1) {
        size_t width = xd_text_width(cell);
        widths[at] = width > widths[at] ? width : widths[at];
        at = at + 1 < table->column_count ? at + 1 : 0;
    }
}

static void pad(struct xd_buffer *out, size_t count) {
    xd_buffer_format(out, "%*s", (int)count, "");
}

static void write_cell(const struct xd_table *table, const char *text, size_t column, const size_t *widths,
                       struct xd_buffer *out) {
    size_t blanks = widths[column] - xd_text_width(text);
    bool last = column + 1 == table->column_count;
    if (table->columns[column].right) {
        pad(out, blanks);
    }
    xd_buffer_text(out, text);
    if (!table->columns[column].right && !last) {
        pad(out, blanks);
    }
    xd_buffer_text(out, last ? "\n" : "  ");
}

void xd_table_write(struct xd_table *table, struct xd_buffer *out, bool colour) {
    size_t widths[XD_TABLE_COLUMNS_MAX] = {0};
    size_t at = 0;
    bool headed;
    if (xd_buffer_result(&table->heap) != XD_OK) {
        out->result = xd_buffer_result(&table->heap);
        xd_buffer_free(&table->heap);
        return;
    }
    measure(table, widths, &headed);
    for (size_t column = 0; headed && column < table->column_count; column++) {
        xd_buffer_text(out, colour && column == 0 ? BOLD : "");
        write_cell(table, table->columns[column].heading, column, widths, out);
    }
    xd_buffer_text(out, colour && headed ? PLAIN : "");
    const char *cell = xd_buffer_string(&table->heap);
    for (size_t index = 0; index < table->cell_count; index++, cell += strlen(cell) + 1) {
        write_cell(table, cell, at, widths, out);
        at = at + 1 < table->column_count ? at + 1 : 0;
    }
    xd_buffer_free(&table->heap);
}
