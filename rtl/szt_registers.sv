// SPDX-License-Identifier: Apache-2.0
// The registers' offsets and fields, generated from rtl/registers.json by scripts/registers.py.
`default_nettype none

/* verilator lint_off UNUSEDPARAM */  // no one module uses every constant
package szt_registers;

  localparam logic [31:0] VersionValue   = 32'h00000100;
  localparam logic [31:0] MatmulIdValue  = 32'h535A544D;
  localparam logic [31:0] EncoderIdValue = 32'h535A5445;

  localparam logic [7:0] MatmulId = 8'h00;

  localparam logic [7:0] MatmulVersion   = 8'h04;
  localparam int MatmulVersionPatch      = 0;
  localparam int MatmulVersionPatchWidth = 8;
  localparam int MatmulVersionMinor      = 8;
  localparam int MatmulVersionMinorWidth = 8;
  localparam int MatmulVersionMajor      = 16;
  localparam int MatmulVersionMajorWidth = 8;

  localparam logic [7:0] MatmulConfig      = 8'h08;
  localparam int MatmulConfigRows          = 0;
  localparam int MatmulConfigRowsWidth     = 7;
  localparam int MatmulConfigCols          = 8;
  localparam int MatmulConfigColsWidth     = 7;
  localparam int MatmulConfigFormat        = 16;
  localparam int MatmulConfigFormatWidth   = 2;
  localparam int MatmulConfigBackward      = 18;
  localparam int MatmulConfigActWidth      = 19;
  localparam int MatmulConfigActWidthWidth = 5;
  localparam int MatmulConfigAccWidth      = 24;
  localparam int MatmulConfigAccWidthWidth = 7;

  localparam logic [7:0] MatmulAccDepth = 8'h0C;

  localparam logic [7:0] MatmulControl  = 8'h10;
  localparam int MatmulControlStart     = 0;
  localparam int MatmulControlSoftReset = 1;
  localparam int MatmulControlFlush     = 2;
  localparam int MatmulControlIrqEnable = 3;

  localparam logic [7:0] MatmulStatus             = 8'h14;
  localparam logic [31:0] MatmulStatusSticky      = 32'h007F0100;
  localparam int MatmulStatusBusy                 = 0;
  localparam int MatmulStatusQueue                = 1;
  localparam int MatmulStatusQueueWidth           = 2;
  localparam int MatmulStatusResultHeld           = 3;
  localparam int MatmulStatusDiscardCodes         = 4;
  localparam int MatmulStatusDiscardActivations   = 5;
  localparam int MatmulStatusDone                 = 8;
  localparam int MatmulStatusErrorSize            = 16;
  localparam int MatmulStatusErrorMode            = 17;
  localparam int MatmulStatusErrorQueue           = 18;
  localparam int MatmulStatusErrorCodesLast       = 19;
  localparam int MatmulStatusErrorActivationsLast = 20;
  localparam int MatmulStatusErrorCodesKeep       = 21;
  localparam int MatmulStatusErrorActivationsKeep = 22;

  localparam logic [7:0] MatmulIrqMask           = 8'h18;
  localparam logic [31:0] MatmulIrqMaskReset     = 32'h007F0100;
  localparam logic [7:0] MatmulM                 = 8'h1C;
  localparam logic [7:0] MatmulKTiles            = 8'h20;
  localparam logic [7:0] MatmulNTiles            = 8'h24;
  localparam logic [7:0] MatmulMode              = 8'h28;
  localparam logic [7:0] MatmulDoneCount         = 8'h2C;
  localparam logic [7:0] MatmulCycles            = 8'h30;
  localparam logic [7:0] MatmulCyclesHigh        = 8'h34;
  localparam logic [7:0] MatmulCodesStalls       = 8'h38;
  localparam logic [7:0] MatmulActivationsStalls = 8'h3C;
  localparam logic [7:0] MatmulResultsStalls     = 8'h40;

  localparam logic [7:0] EncoderId = 8'h00;

  localparam logic [7:0] EncoderVersion   = 8'h04;
  localparam int EncoderVersionPatch      = 0;
  localparam int EncoderVersionPatchWidth = 8;
  localparam int EncoderVersionMinor      = 8;
  localparam int EncoderVersionMinorWidth = 8;
  localparam int EncoderVersionMajor      = 16;
  localparam int EncoderVersionMajorWidth = 8;

  localparam logic [7:0] EncoderConfig   = 8'h08;
  localparam int EncoderConfigLanes      = 0;
  localparam int EncoderConfigLanesWidth = 8;

  localparam logic [7:0] EncoderControl  = 8'h0C;
  localparam int EncoderControlSoftReset = 0;
  localparam int EncoderControlFlush     = 1;
  localparam int EncoderControlIrqEnable = 2;

  localparam logic [7:0] EncoderStatus        = 8'h10;
  localparam logic [31:0] EncoderStatusSticky = 32'h00000300;
  localparam int EncoderStatusBusy            = 0;
  localparam int EncoderStatusDiscard         = 1;
  localparam int EncoderStatusNan             = 8;
  localparam int EncoderStatusErrorKeep       = 9;

  localparam logic [7:0] EncoderFormat      = 8'h14;
  localparam logic [7:0] EncoderThreshold   = 8'h18;
  localparam logic [7:0] EncoderLatentCount = 8'h1C;
  localparam logic [7:0] EncoderNanCount    = 8'h20;

endpackage
/* verilator lint_on UNUSEDPARAM */

`default_nettype wire
