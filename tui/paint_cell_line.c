/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inspector's essence on one line, for screens that have no room for it. */
#include "collector/space.h"
#include "collector/text.h"
#include "tui/paint.h"

void paint_cell_line(const struct paint *p, struct rect where)
{
	const struct inspect *in = &p->app->inspect;
	const struct mappings_process *process = in->snap ? mappings_process_of(in->snap->maps, in->start) : NULL;
	int col = where.col + 1, end = where.col + where.cols;
	char text[64], name[MAPPINGS_SHORT_NAME_SIZE];

	if (where.rows < 1 || in->start >= in->end)
		return;
	paint_at(p, where.row, &col, end, THEME_DIM, "%s ",
		 p->app->cursor_set  ? "cell"
		 : in->cell.heat > 0 ? "busiest"
				     : "no access");
	if (process)
		paint_at(p, where.row, &col, end, THEME_TEXT, "%d %s ", (int)process->pid, process->comm);
	paint_at(p, where.row, &col, end, THEME_STRONG, "%llx", (unsigned long long)space_address(in->start));
	if (in->mapped_bytes && in->mapped_bytes < in->end - in->start) {
		paint_at(p, where.row, &col, end, THEME_TEXT, " %s", text_bytes(text, in->mapped_bytes));
		paint_at(p, where.row, &col, end, THEME_DIM, " of %s", text_bytes(text, in->end - in->start));
	} else {
		paint_at(p, where.row, &col, end, THEME_DIM, " +");
		paint_at(p, where.row, &col, end, THEME_TEXT, "%s", text_bytes(text, in->end - in->start));
	}
	if (in->mapping)
		paint_at(p, where.row, &col, end, THEME_TEXT, " %s",
			 mappings_short_name(name, in->snap->maps, in->mapping));
	if (!(in->cell.valid & VIEW_HEAT)) {
		paint_at(p, where.row, &col, end, THEME_DIM, "  unknown");
		return;
	}
	paint_at(p, where.row, &col, end, THEME_DIM, "  heat ");
	paint_at(p, where.row, &col, end, THEME_STRONG, "%s",
		 inspect_heat_text(text, (double)in->cell.heat, in->snap->heat_unit));
	paint_at(p, where.row, &col, end, THEME_DIM, "  age ");
	paint_at(p, where.row, &col, end, THEME_TEXT, "%s", inspect_age_text(text, &in->cell));
	if (in->cell.valid & VIEW_NODE)
		paint_at(p, where.row, &col, end, THEME_TEXT, "  node %u %.0f%%", in->cell.node[0],
			 in->cell.node_share[0] * 100 / 255.0);
	if (in->cell.valid & VIEW_KIND)
		paint_at(p, where.row, &col, end, THEME_TEXT, "  %s",
			 in->cell.anon_share > 223  ? "anon"
			 : in->cell.anon_share < 32 ? "file"
						    : "anon+file");
}
