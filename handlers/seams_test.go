package handlers

import (
	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/device"
	"github.com/tieline/tieline/pkg/media"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/realtime"
)

// The real parts fit where the tests put fakes.
var (
	_ Accounts  = (*account.Accounts)(nil)
	_ Owners    = (*account.Accounts)(nil)
	_ Avatars   = (*media.Avatars)(nil)
	_ Codes     = (*account.Accounts)(nil)
	_ Devices   = (*device.Devices)(nil)
	_ Messenger = (*messaging.Messenger)(nil)
	_ Node      = (*realtime.Node)(nil)
)
