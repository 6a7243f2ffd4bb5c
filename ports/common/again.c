#include "common/again.h"

bool xd_again_take(struct xd_again *again, xd_ms now) {
    if (!again->due || now < again->at) {
        return false;
    }
    bool calm = again->wait == 0 || now - again->last > 2 * again->wait;
    xd_ms wait = calm ? XD_AGAIN_MS_MIN : 2 * again->wait;
    again->due = false;
    again->wait = wait < XD_AGAIN_MS_MAX ? wait : XD_AGAIN_MS_MAX;
    again->last = now;
    again->at = now + again->wait;
    return true;
}
