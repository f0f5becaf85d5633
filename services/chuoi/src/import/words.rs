//! The words of files besides the command line's own: what a clerk writes, and what it is called here.

pub(super) const REFUSALS: &[(&str, &str)] = &[
    ("chất lượng", "quality"),
    ("kém chất lượng", "quality"),
    ("nhiệt độ", "temperature"),
    ("dập nát", "damaged"),
    ("hư hỏng", "damaged"),
    ("cận hạn", "shelf-life"),
    ("sai hàng", "wrong-goods"),
    ("thiếu giấy tờ", "documents"),
    ("giao muộn", "late"),
    ("thừa", "oversupply"),
];
pub(super) const WASTES: &[(&str, &str)] = &[
    ("thối hỏng", "spoiled"),
    ("hỏng", "spoiled"),
    ("dập nát", "damaged"),
    ("hết hạn", "expired"),
    ("lấy mẫu", "sampled"),
    ("cho tặng", "donated"),
    ("tiêu hủy", "destroyed"),
    ("hủy", "destroyed"),
];
pub(super) const RETURNS: &[(&str, &str)] = &[
    ("chất lượng", "quality"),
    ("hư hỏng", "damaged"),
    ("hết hạn", "expired"),
    ("thu hồi", "recalled"),
    ("sai hàng", "wrong-goods"),
];
pub(super) const PROCESSES: &[(&str, &str)] = &[
    ("sơ chế", "packing"),
    ("đóng gói", "packing"),
    ("chế biến", "processing"),
    ("giết mổ", "slaughter"),
    ("phối trộn", "mixing"),
];
pub(super) const OBSERVATIONS: &[(&str, &str)] = &[
    ("nhiệt độ", "temperature"),
    ("kiểm tra", "inspection"),
    ("lấy mẫu", "sample"),
    ("mẫu", "sample"),
    ("chứng nhận", "certificate-check"),
    ("khác", "other"),
    ("phun thuốc", "treatment"),
];
pub(super) const FINDINGS: &[(&str, &str)] = &[("đạt", "conformant"), ("không đạt", "non-conformant")];
pub(super) const SITES: &[(&str, &str)] = &[
    ("trang trại", "farm"),
    ("trại chăn nuôi", "livestock-farm"),
    ("trại thủy sản", "aquafarm"),
    ("cơ sở sơ chế", "packing-house"),
    ("cơ sở chế biến", "processor"),
    ("lò mổ", "slaughterhouse"),
    ("kho", "warehouse"),
    ("trung tâm phân phối", "distribution-center"),
    ("siêu thị", "supermarket"),
    ("cửa hàng tiện ích", "general-store"),
    ("cửa hàng", "general-store"),
    ("cửa hàng chuyên doanh", "specialty-store"),
    ("điểm giới thiệu OCOP", "ocop-intro-point"),
    ("điểm bán OCOP", "ocop-sale-point"),
    ("gian hàng hội chợ", "fair-stall"),
    ("trung tâm thiết kế sáng tạo", "design-center"),
];
pub(super) const ORGANIZATIONS: &[(&str, &str)] = &[
    ("hợp tác xã", "cooperative"),
    ("HTX", "cooperative"),
    ("trang trại", "farm"),
    ("doanh nghiệp chế biến", "processor"),
    ("nhà phân phối", "distributor"),
    ("nhà bán lẻ", "retailer"),
    ("cơ quan quản lý", "authority"),
];

pub(super) const CERTIFICATES: &[(&str, &str)] = &[
    ("hữu cơ", "organic"),
    ("iso 22000", "iso-22000"),
    ("đủ điều kiện attp", "food-safety"),
    ("an toàn thực phẩm", "food-safety"),
    ("chuỗi an toàn", "safe-chain"),
    ("xác nhận chuỗi", "safe-chain"),
    ("vệ sinh thú y", "veterinary"),
    ("kiểm dịch", "veterinary"),
    ("nhãn hiệu", "trademark"),
    ("khác", "other"),
];

pub(super) const CERTIFICATE_STANDINGS: &[(&str, &str)] =
    &[("còn hiệu lực", "valid"), ("khôi phục", "valid"), ("đình chỉ", "suspended"), ("thu hồi", "revoked")];

pub(super) const LEVELS: &[(&str, &str)] =
    &[("huyện", "district"), ("quận", "district"), ("tỉnh", "province"), ("thành phố", "province"), ("trung ương", "central")];

pub(super) const SITE_STANDINGS: &[(&str, &str)] =
    &[("mở", "open"), ("mở cửa", "open"), ("đóng", "closed"), ("đóng cửa", "closed"), ("hạn chế", "restricted")];

pub(super) const TRADEMARK_STEPS: &[(&str, &str)] = &[
    ("mở hồ sơ", "opened"),
    ("đã nộp đơn", "filed"),
    ("nộp đơn", "filed"),
    ("công bố đơn", "published"),
    ("đã cấp", "granted"),
    ("cấp văn bằng", "granted"),
    ("từ chối", "refused"),
    ("rút đơn", "withdrawn"),
];

pub(super) const LABEL_FATES: &[(&str, &str)] = &[
    ("đã cấp", "issued"),
    ("cấp", "issued"),
    ("đã dùng", "used"),
    ("đã sử dụng", "used"),
    ("hỏng", "spoiled"),
    ("hủy", "voided"),
];
