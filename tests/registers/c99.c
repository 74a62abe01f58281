/* SPDX-License-Identifier: Apache-2.0
   The C header in a C99 compiler; a wrong value is an array of negative size. */
#include "szt_registers.h"
#include "szt_registers.h" /* the guard */

#define CHECK(name, condition) typedef char name[(condition) ? 1 : -1]

CHECK(matmul_id, SZT_MATMUL_ID == 0x00u && SZT_MATMUL_ID_VALUE == 0x535A544Du);
CHECK(matmul_version, SZT_MATMUL_VERSION == 0x04u && SZT_MATMUL_VERSION_MINOR == 0xFF00u);
CHECK(matmul_control, SZT_MATMUL_CONTROL == 0x10u && SZT_MATMUL_CONTROL_START == 0x1u);
CHECK(matmul_queue, SZT_MATMUL_STATUS_QUEUE == 0x6u && SZT_MATMUL_STATUS_QUEUE_SHIFT == 1);
CHECK(matmul_sticky, SZT_MATMUL_STATUS_STICKY == 0x7F0100u);
CHECK(matmul_irq_mask, SZT_MATMUL_IRQ_MASK_RESET == SZT_MATMUL_STATUS_STICKY);
CHECK(encoder_id, SZT_ENCODER_ID == 0x00u && SZT_ENCODER_ID_VALUE == 0x535A5445u);
CHECK(encoder_control, SZT_ENCODER_CONTROL == 0x0Cu && SZT_ENCODER_CONTROL_IRQ_ENABLE == 0x4u);
CHECK(encoder_nan, SZT_ENCODER_STATUS_NAN == 0x100u && SZT_ENCODER_STATUS_NAN_SHIFT == 8);
CHECK(version, SZT_VERSION_VALUE <= 0xFFFFFFu);
CHECK(unsigned_values, 0 * SZT_MATMUL_CONTROL - 1 > 0);

/* The preprocessor can use them too. */
#if SZT_MATMUL_CONTROL_FLUSH != 1 << SZT_MATMUL_CONTROL_FLUSH_SHIFT
#error "SZT_MATMUL_CONTROL_FLUSH differs in the preprocessor"
#endif
