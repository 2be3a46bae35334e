/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/paint.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "collector/clock.h"
#include "collector/space.h"
#include "collector/symbols.h"

void paint_at(const struct paint *p, int row, int *col, int end, enum theme_role role, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (*col < end)
		*col += grid_text(p->grid, row, *col, end - *col, text, p->roles[role], GRID_ELLIPSIS);
}

struct paint_code paint_code(const struct paint *p, const struct snapshot *snap, uint64_t ip)
{
	const struct mapping *m = snap->maps ? mappings_find(snap->maps, ip) : NULL;
	const struct mappings_process *process = mappings_process_of(snap->maps, ip);
	struct paint_code code = { .within = "" };
	uint64_t within = m ? ip - m->start + m->offset : 0;
	char file[MAPPINGS_SHORT_NAME_SIZE];

	if (!m) {
		snprintf(code.name, sizeof(code.name), "0x%llx", (unsigned long long)space_address(ip));
		return code;
	}
	if (!symbols_name(p->app->config.symbols, process ? process->pid : snap->pid, snap->maps, ip, code.name,
			  sizeof(code.name), &within))
		snprintf(code.name, sizeof(code.name), "%s", mappings_short_name(file, snap->maps, m));
	snprintf(code.within, sizeof(code.within), "+0x%llx", (unsigned long long)within);
	return code;
}

struct rect paint_box(const struct paint *p, struct rect screen, int rows, int cols, const char *title)
{
	struct style frame = p->roles[THEME_DIM];
	struct rect box = { 0, 0, rows + 2, cols + 4 };
	int i;

	box.rows = box.rows < screen.rows ? box.rows : screen.rows;
	box.cols = box.cols < screen.cols ? box.cols : screen.cols;
	box.row = screen.row + (screen.rows - box.rows) / 2;
	box.col = screen.col + (screen.cols - box.cols) / 2;
	grid_fill(p->grid, box, ' ', p->roles[THEME_TEXT]);
	for (i = box.col; i < box.col + box.cols; i++) {
		grid_put(p->grid, box.row, i, 0x2500, frame);
		grid_put(p->grid, box.row + box.rows - 1, i, 0x2500, frame);
	}
	for (i = box.row; i < box.row + box.rows; i++) {
		grid_put(p->grid, i, box.col, 0x2502, frame);
		grid_put(p->grid, i, box.col + box.cols - 1, 0x2502, frame);
	}
	grid_put(p->grid, box.row, box.col, 0x256d, frame);
	grid_put(p->grid, box.row, box.col + box.cols - 1, 0x256e, frame);
	grid_put(p->grid, box.row + box.rows - 1, box.col, 0x2570, frame);
	grid_put(p->grid, box.row + box.rows - 1, box.col + box.cols - 1, 0x256f, frame);
	if (box.cols > 6)
		grid_printf(p->grid, box.row, box.col + 2, box.cols - 4, p->roles[THEME_TITLE], " %s ", title);
	return (struct rect){ box.row + 1, box.col + 2, box.rows - 2, box.cols - 4 };
}

void paint_bar(const struct paint *p, int row, int col, int cols, double share, color c)
{
	int eighths = (int)((share < 1 ? share : 1) * cols * 8 + 0.5), i;
	struct style style = p->roles[THEME_TEXT];

	if (share > 0 && !eighths)
		eighths = 1;
	style.fg = c;
	for (i = 0; i < cols && eighths > 0; i++, eighths -= 8)
		grid_put(p->grid, row, col + i, eighths >= 8 ? 0x2588 : 0x2590 - (uint32_t)eighths, style);
}
