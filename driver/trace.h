/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: a request's way from submit to complete.  They show who and how
 * much, never a byte of key, tweak, token or data.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM paes

#if !defined(PAES_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PAES_TRACE_H

#include <linux/paes.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(PAES_OP_OPEN);
TRACE_DEFINE_ENUM(PAES_OP_CLOSE);
TRACE_DEFINE_ENUM(PAES_OP_ENCRYPT);
TRACE_DEFINE_ENUM(PAES_OP_DECRYPT);

#define paes_show_op(op)			\
	__print_symbolic(op,			\
		{ PAES_OP_OPEN, "open" },	\
		{ PAES_OP_CLOSE, "close" },	\
		{ PAES_OP_ENCRYPT, "encrypt" },	\
		{ PAES_OP_DECRYPT, "decrypt" })

TRACE_EVENT(paes_submit,
	TP_PROTO(u32 key, u32 op, u32 length, int ret),
	TP_ARGS(key, op, length, ret),
	TP_STRUCT__entry(
		__field(u32, key)
		__field(u32, op)
		__field(u32, length)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->key = key;
		__entry->op = op;
		__entry->length = length;
		__entry->ret = ret;
	),
	TP_printk("key=%u op=%s length=%u ret=%d", __entry->key,
		  paes_show_op(__entry->op), __entry->length, __entry->ret)
);

TRACE_EVENT(paes_issue,
	TP_PROTO(u32 provider, u32 slot, const struct paes_desc *desc),
	TP_ARGS(provider, slot, desc),
	TP_STRUCT__entry(
		__field(u32, provider)
		__field(u32, slot)
		__field(u32, key)
		__field(u32, op)
		__field(u32, length)
		__field(u32, first_block)
	),
	TP_fast_assign(
		__entry->provider = provider;
		__entry->slot = slot;
		__entry->key = desc->key;
		__entry->op = desc->op;
		__entry->length = desc->length;
		__entry->first_block = desc->first_block;
	),
	TP_printk("provider=%u slot=%u key=%u op=%s length=%u first_block=%u",
		  __entry->provider, __entry->slot, __entry->key,
		  paes_show_op(__entry->op), __entry->length,
		  __entry->first_block)
);

TRACE_EVENT(paes_complete,
	TP_PROTO(u32 provider, u32 slot, u32 generation, int status),
	TP_ARGS(provider, slot, generation, status),
	TP_STRUCT__entry(
		__field(u32, provider)
		__field(u32, slot)
		__field(u32, generation)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->provider = provider;
		__entry->slot = slot;
		__entry->generation = generation;
		__entry->status = status;
	),
	TP_printk("provider=%u slot=%u generation=%u status=%d",
		  __entry->provider, __entry->slot, __entry->generation,
		  __entry->status)
);

TRACE_EVENT(paes_reissue,
	TP_PROTO(u32 key, const struct paes_desc *desc),
	TP_ARGS(key, desc),
	TP_STRUCT__entry(
		__field(u32, key)
		__field(u32, op)
		__field(u32, length)
		__field(u32, first_block)
	),
	TP_fast_assign(
		__entry->key = key;
		__entry->op = desc->op;
		__entry->length = desc->length;
		__entry->first_block = desc->first_block;
	),
	TP_printk("key=%u op=%s length=%u first_block=%u", __entry->key,
		  paes_show_op(__entry->op), __entry->length,
		  __entry->first_block)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
