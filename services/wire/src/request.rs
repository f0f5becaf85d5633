//! Unary requests and their answers: the same command as in a batch, each in an envelope of its own.

use crate::proto::chuoi::record::v1::command::Action;
use crate::proto::chuoi::record::v1::*;

macro_rules! unary {
    ($($action:ident $field:ident: $request:ident -> $response:ident),+ $(,)?) => {$(
        impl From<$request> for Command {
            fn from(request: $request) -> Command {
                Command { header: request.header, action: request.$field.map(Action::$action) }
            }
        }

        impl From<(Verdict, Recorded)> for $response {
            fn from((verdict, recorded): (Verdict, Recorded)) -> $response {
                $response { verdict: verdict.into(), recorded: Some(recorded) }
            }
        }
    )+};
}

unary! {
    Harvest harvest: HarvestRequest -> HarvestResponse,
    OpenLot open_lot: OpenLotRequest -> OpenLotResponse,
    Transform transform: TransformRequest -> TransformResponse,
    Dispatch dispatch: DispatchRequest -> DispatchResponse,
    Receive receive: ReceiveRequest -> ReceiveResponse,
    RefuseDelivery refuse_delivery: RefuseDeliveryRequest -> RefuseDeliveryResponse,
    ReportShort report_short: ReportShortRequest -> ReportShortResponse,
    Sell sell: SellRequest -> SellResponse,
    Waste waste: WasteRequest -> WasteResponse,
    Count count: CountRequest -> CountResponse,
    Hold hold: HoldRequest -> HoldResponse,
    Release release: ReleaseRequest -> ReleaseResponse,
    Recall recall: RecallRequest -> RecallResponse,
    AcknowledgeRecall acknowledge_recall: AcknowledgeRecallRequest -> AcknowledgeRecallResponse,
    CustomerReturn customer_return: CustomerReturnRequest -> CustomerReturnResponse,
    CancelShipment cancel_shipment: CancelShipmentRequest -> CancelShipmentResponse,
    PlaceOrder place_order: PlaceOrderRequest -> PlaceOrderResponse,
    CloseOrder close_order: CloseOrderRequest -> CloseOrderResponse,
    IssueCode issue_code: IssueCodeRequest -> IssueCodeResponse,
    RevokeCode revoke_code: RevokeCodeRequest -> RevokeCodeResponse,
    CountScans count_scans: CountScansRequest -> CountScansResponse,
    GiveNotice give_notice: GiveNoticeRequest -> GiveNoticeResponse,
    Pack pack: PackRequest -> PackResponse,
    Unpack unpack: UnpackRequest -> UnpackResponse,
    Observe observe: ObserveRequest -> ObserveResponse,
    Resolve resolve: ResolveRequest -> ResolveResponse,
    Void void: VoidRequest -> VoidResponse,
    Correct correct: CorrectRequest -> CorrectResponse,
    Register register: RegisterRequest -> RegisterResponse,
}
