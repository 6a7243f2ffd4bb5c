/* Tables for people: columns only as wide as needed, by what characters take on a
 * terminal, two blanks between them, no blanks at a line's end.
 *
 *     xd_table_init(&table, columns);
 *     xd_table_text(&table, "WH1"); xd_table_number(&table, 3);     cell by cell, row after row
 *     xd_table_write(&table, &cli->out, cli->colour);               and frees it
 *
 * Texts are cleaned. What memory fails is told by xd_buffer_result of the output. */
#ifndef XD_POSIX_CLI_TABLE_H
#define XD_POSIX_CLI_TABLE_H

#include "posix/cli/text.h"

#define XD_TABLE_COLUMNS_MAX 16u

struct xd_column {
    const char *heading; /* NULL ends the list; all "": no line of headings */
    bool right;          /* numbers */
};

struct xd_table {
    const struct xd_column *columns;
    size_t column_count;
    struct xd_buffer heap; /* the cells, each with its zero */
    size_t cell_count;
};

void xd_table_init(struct xd_table *table, const struct xd_column *columns);
void xd_table_text(struct xd_table *table, const char *text); /* NULL and "": "-" */
void xd_table_number(struct xd_table *table, int64_t number);
void xd_table_age(struct xd_table *table, xd_ms age);
void xd_table_size(struct xd_table *table, int64_t bytes);
void xd_table_time(struct xd_table *table, const char *time);
/* Between xd_table_cell and xd_table_end the caller appends to the cell, cleaned texts only. */
struct xd_buffer *xd_table_cell(struct xd_table *table);
void xd_table_end(struct xd_table *table);
void xd_table_drop(struct xd_table *table); /* frees it unwritten */
void xd_table_write(struct xd_table *table, struct xd_buffer *out, bool colour);

#endif
