namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// The binary arithmetic decoder of ITU-T T.81 annex D over one segment of a scan's data. Behind the segment's end there are zeros, as the
/// standard has it, which encoders leave out.
/// </summary>
internal sealed class ArithmeticDecoder(EntropyData data)
{
    /// <summary>The state of a decision whose two outcomes are always equally likely.</summary>
    public const byte EvenState = 113;

    private const uint HalfInterval = 0x8000;

    // The code register is kept unshifted: bits that were read ahead stand below those that are compared with the interval.
    private uint _code;
    private uint _interval;
    private int _ahead;
    private int _position;
    private int _count;

    /// <summary>States (table D.3): the less probable outcome's share of the interval, the state after the more probable outcome, that after the other, with 0x80 where the outcomes change places.</summary>
    private static ReadOnlySpan<uint> States =>
    [
        0x5A1D_01_81, 0x2586_02_0E, 0x1114_03_10, 0x080B_04_12, 0x03D8_05_14, 0x01DA_06_17, 0x00E5_07_19, 0x006F_08_1C,
        0x0036_09_1E, 0x001A_0A_21, 0x000D_0B_23, 0x0006_0C_09, 0x0003_0D_0A, 0x0001_0D_0C, 0x5A7F_0F_8F, 0x3F25_10_24,
        0x2CF2_11_26, 0x207C_12_27, 0x17B9_13_28, 0x1182_14_2A, 0x0CEF_15_2B, 0x09A1_16_2D, 0x072F_17_2E, 0x055C_18_30,
        0x0406_19_31, 0x0303_1A_33, 0x0240_1B_34, 0x01B1_1C_36, 0x0144_1D_38, 0x00F5_1E_39, 0x00B7_1F_3B, 0x008A_20_3C,
        0x0068_21_3E, 0x004E_22_3F, 0x003B_23_20, 0x002C_09_21, 0x5AE1_25_A5, 0x484C_26_40, 0x3A0D_27_41, 0x2EF1_28_43,
        0x261F_29_44, 0x1F33_2A_45, 0x19A8_2B_46, 0x1518_2C_48, 0x1177_2D_49, 0x0E74_2E_4A, 0x0BFB_2F_4B, 0x09F8_30_4D,
        0x0861_31_4E, 0x0706_32_4F, 0x05CD_33_30, 0x04DE_34_32, 0x040F_35_32, 0x0363_36_33, 0x02D4_37_34, 0x025C_38_35,
        0x01F8_39_36, 0x01A4_3A_37, 0x0160_3B_38, 0x0125_3C_39, 0x00F6_3D_3A, 0x00CB_3E_3B, 0x00AB_3F_3D, 0x008F_20_3D,
        0x5B12_41_C1, 0x4D04_42_50, 0x412C_43_51, 0x37D8_44_52, 0x2FE8_45_53, 0x293C_46_54, 0x2379_47_56, 0x1EDF_48_57,
        0x1AA9_49_57, 0x174E_4A_48, 0x1424_4B_48, 0x119C_4C_4A, 0x0F6B_4D_4A, 0x0D51_4E_4B, 0x0BB6_4F_4D, 0x0A40_30_4D,
        0x5832_51_D0, 0x4D1C_52_58, 0x438E_53_59, 0x3BDD_54_5A, 0x34EE_55_5B, 0x2EAE_56_5C, 0x299A_57_5D, 0x2516_47_56,
        0x5570_59_D8, 0x4CA9_5A_5F, 0x44D9_5B_60, 0x3E22_5C_61, 0x3824_5D_63, 0x32B4_5E_63, 0x2E17_56_5D, 0x56A8_60_DF,
        0x4F46_61_65, 0x47E5_62_66, 0x41CF_63_67, 0x3C3D_64_68, 0x375E_5D_63, 0x5231_66_69, 0x4C0F_67_6A, 0x4639_68_6B,
        0x415E_63_67, 0x5627_6A_E9, 0x50E7_6B_6C, 0x4B85_67_6D, 0x5597_6D_6E, 0x504F_6B_6F, 0x5A10_6F_EE, 0x5522_6D_70,
        0x59EB_6F_F0, 0x5A1D_71_71,
    ];

    /// <summary>Begins a segment: the scan's first, or the one behind a restart marker.</summary>
    public void Begin()
    {
        _position = 0;
        _code = (ReadByte() << 8) | ReadByte();
        _interval = 2 * HalfInterval;
        _ahead = 0;
    }

    /// <summary>Decisions since this was asked last.</summary>
    public int TakeCount()
    {
        int count = _count;
        _count = 0;
        return count;
    }

    /// <summary>Decodes a decision.</summary>
    /// <param name="bin">Its statistics: the state, with 0x80 where 1 is the more probable outcome.</param>
    public bool Decode(ref byte bin)
    {
        _count++;
        while (_interval < HalfInterval)
        {
            if (--_ahead < 0)
            {
                _code = (_code << 8) | ReadByte();
                _ahead = 7;
            }

            _interval <<= 1;
        }

        uint state = States[bin & 0x7F];
        uint share = state >> 16;
        int outcome = bin & 0x80;
        _interval -= share;
        bool lower = _code < _interval << _ahead;
        if (lower && _interval >= HalfInterval)
        {
            return outcome != 0;
        }

        // The less probable outcome has the upper part, unless that is the larger one: then the outcomes change parts.
        bool probable = lower == _interval >= share;
        if (!lower)
        {
            _code -= _interval << _ahead;
            _interval = share;
        }

        bin = (byte)(outcome ^ (int)((probable ? state >> 8 : state) & 0xFF));
        return (outcome != 0) == probable;
    }

    private uint ReadByte()
    {
        if (_position < data.Length)
        {
            return data.Padded[_position++];
        }

        return data.Marker != 0 ? 0u : throw JpegMarkers.Truncated();
    }
}
