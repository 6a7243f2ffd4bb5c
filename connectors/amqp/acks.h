/* Answers (acks and rejects) on their way from the caller to the broker.
 *
 * Single acks that follow one another leave as one ack with `multiple`: the
 * broker handles that in one step, a quorum queue in one entry of its log. This
 * is allowed only when every lower tag is answered too; so the answered tags are
 * remembered from the lowest unanswered one on, as far as a ring reaches. Beyond
 * the ring acks leave one by one, which is always right.
 *
 * Not synchronised: the connection's thread only. */
#ifndef XD_AMQP_ACKS_H
#define XD_AMQP_ACKS_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum xd_amqp_answer_kind { XD_AMQP_ACK_ONE, XD_AMQP_ACK_UP_TO, XD_AMQP_REJECT_ONE };

struct xd_amqp_answer {
    enum xd_amqp_answer_kind kind;
    uint64_t tag;
};

struct xd_amqp_acks {
    uint64_t low;    /* every tag below is answered */
    uint64_t last;   /* the run's last tag; 0: no run */
    size_t run;      /* acks in the run, not sent yet */
    bool *answered;  /* ring: of the tags low .. low + capacity - 1 */
    size_t capacity; /* a power of two */
};

/* capacity: a few times as many tags as can be unanswered at once; rounded up to a power of two. */
XD_CHECKED enum xd_result xd_amqp_acks_make(struct xd_amqp_acks *acks, size_t capacity);
void xd_amqp_acks_free(struct xd_amqp_acks *acks);
/* A new channel: tags begin at 1 again. */
void xd_amqp_acks_clear(struct xd_amqp_acks *acks);
/* Takes one answer. True: *out is to be sent now. False: it was added to the run. */
XD_CHECKED bool xd_amqp_acks_take(struct xd_amqp_acks *acks, struct xd_amqp_answer answer,
                                  struct xd_amqp_answer *out);
/* Ends the run. True: *out is to be sent. */
XD_CHECKED bool xd_amqp_acks_flush(struct xd_amqp_acks *acks, struct xd_amqp_answer *out);

#endif
