#include "delivery/lanes.h"

#include "base/mutant.h"

int xd_lanes_next(struct xd_lanes *lanes, const uint64_t waiting[XD_LANES_MAX]) {
    if (waiting[0] == 0) {
        return waiting[1] == 0 || XD_MUTANT(LANE_STARVED) ? -1 : 1;
    }
    if (waiting[1] == 0) {
        return 0;
    }
    lanes->turn = (lanes->turn + 1) % XD_LANES_SHARE;
    return lanes->turn == 0 ? 1 : 0;
}
